import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ExactSum } from '../../src/telecom/exact-sum.ts';
import { createUsageTotals, type TotalledRecord } from '../../src/telecom/totals.ts';

const amount = fc.oneof(fc.integer({ min: -1000, max: 1000 }), fc.maxSafeInteger());
const record: fc.Arbitrary<TotalledRecord> = fc.record({
  msisdn: fc.constantFrom('31612345678', '31687654321'),
  category: fc.constantFrom('sms', 'national-mobile'),
  unrated: fc.boolean(),
  usageS: fc.maxSafeNat(),
  usageOctets: fc.maxSafeNat(),
  usageCount: fc.nat({ max: 3 }),
  amountE8: amount,
  providerAmountE8: amount,
});

function totalsOf(records: readonly TotalledRecord[]) {
  const totals = createUsageTotals();
  for (const each of records) totals.add(each);
  return totals;
}

describe('totals', () => {
  it('are exact far beyond 2^53, by number and category, without the amounts of unrated records', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 60 }), (records) => {
        const keys = [...new Set(records.map((each) => `${each.msisdn} ${each.category}`))].sort();
        const expected = keys.map((key) => {
          const own = records.filter((each) => `${each.msisdn} ${each.category}` === key);
          const sum = (value: (each: TotalledRecord) => number) => own.reduce((s, each) => s + BigInt(value(each)), 0n);
          return {
            msisdn: own[0]!.msisdn,
            category: own[0]!.category,
            records: BigInt(own.length),
            unrated: sum((each) => Number(each.unrated)),
            usageS: sum((each) => each.usageS),
            usageOctets: sum((each) => each.usageOctets),
            usageCount: sum((each) => each.usageCount),
            amountE8: sum((each) => (each.unrated ? 0 : each.amountE8)),
            providerAmountE8: sum((each) => each.providerAmountE8),
          };
        });
        assert.deepEqual(totalsOf(records).rows(), expected);
      }),
    );
  });

  it('do not depend on order or on how many threads summed them', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 30 }), fc.nat({ max: 30 }), (records, cut) => {
        const merged = totalsOf(records.slice(cut));
        merged.merge(totalsOf(records.slice(0, cut)).rows());
        assert.deepEqual(merged.rows(), totalsOf(records.toReversed()).rows());
      }),
    );
  });

  it('hold more subscriptions than the first table has room for', () => {
    const totals = createUsageTotals();
    const each = { category: 'sms', unrated: false, usageS: 0, usageOctets: 0, usageCount: 1, providerAmountE8: 0 };
    for (let i = 0; i < 3000; i += 1) totals.add({ ...each, msisdn: `316${i}`, amountE8: i });
    const rows = totals.rows();
    assert.equal(rows.length, 3000);
    assert.ok(rows.every((row) => row.amountE8 === BigInt(row.msisdn.slice(3))));
  });
});

describe('the sum of a file or cycle', () => {
  it('is exact whatever safe integers come', () => {
    const largest = Number.MAX_SAFE_INTEGER;
    for (const values of [
      [2, largest, 5],
      [-2, -largest],
      [2 ** 52, largest, -largest, 1],
      [largest, -largest, 3],
    ]) {
      const sum = new ExactSum();
      for (const value of values) sum.add(value);
      assert.equal(
        sum.value,
        values.reduce((all, value) => all + BigInt(value), 0n),
        values.join(' '),
      );
    }
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountTruth, activeRecords } from '../../simulator/truth.ts';
import type { UsageRecord } from '../../simulator/usage-record.ts';
import { ratingOf } from '../../simulator/world.ts';
import { accountsWithFiles, smallWorld } from './small-world.ts';

const world = smallWorld(6000);
const [first] = accountsWithFiles(world);
const lines = first!.files.lines.flat();
const model = lines.find((line) => line.line === '20' && line.callCode === '7000' && line.number.startsWith('31'))!;

function line(id: string, more: Partial<UsageRecord> = {}): UsageRecord {
  return { ...model, id, quantity: 1, amountE4: 10, ...more };
}

test('a double counts once, a corrected record by its correction, a cancelled one not at all, in any order', () => {
  const delivered = [
    line('a'),
    line('a'),
    line('b', { quantity: 9 }),
    line('c', { change: 'C', originalId: 'b', quantity: 2 }),
    line('d', { quantity: 9 }),
    line('e', { change: 'D', originalId: 'd', quantity: 9 }),
  ];
  for (const order of [delivered, delivered.toReversed()]) {
    assert.deepEqual(
      activeRecords(order)
        .map((record) => record.id)
        .sort(),
      ['a', 'c'],
    );
    const [cycle, ...none] = accountTruth(first!.account, order, world.calendar, ratingOf(world));
    assert.equal(none.length, 0);
    assert.deepEqual(
      cycle?.totals.map((total) => [
        total.category,
        total.records,
        total.usageS,
        total.usageCount,
        total.providerAmountE8,
      ]),
      [['sms', 2n, 0n, 3n, 200_000n]],
    );
  }
});

test('a record belongs to the cycle of its local start', () => {
  const { monthRange } = world.calendar;
  const april = monthRange('2026-04').fromS;
  const cycles = accountTruth(
    first!.account,
    [line('a', { startS: april - 1 }), line('b', { startS: april })],
    world.calendar,
    ratingOf(world),
  );
  assert.deepEqual(
    cycles.map(({ cycleStart, records }) => [cycleStart, records]),
    [
      ['2026-03-01', 1n],
      ['2026-04-01', 1n],
    ],
  );
});

test('the totals of a cycle are sorted and add up to it', () => {
  for (const cycle of accountTruth(first!.account, lines, world.calendar, ratingOf(world))) {
    const keys = cycle.totals.map(({ msisdn, category }) => `${msisdn} ${category}`);
    assert.deepEqual(keys, [...new Set(keys)].sort());
    assert.equal(
      cycle.totals.reduce((sum, total) => sum + total.amountE8, 0n),
      cycle.amountE8,
    );
    assert.equal(
      cycle.totals.reduce((sum, total) => sum + total.records, 0n),
      cycle.records,
    );
    assert.ok(cycle.unrated > 0n && cycle.unrated < 10n);
  }
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Charge, chargePieces } from '../../src/telecom/charge.ts';
import {
  formatAmountE8,
  multiplyDivideE8,
  parseAmountE8,
  type Rounding,
  roundBigQuotientE8,
  roundingUnitE8,
  roundQuotientE8,
} from '../../src/telecom/money.ts';

const rounding = fc.record({
  unitE8: fc.integer({ min: 0, max: 8 }).map(roundingUnitE8),
  mode: fc.constantFrom<Rounding['mode']>('half-away', 'up'),
});

/** By definition: the multiple of the unit that is nearest (or next), found from twice the exact fraction. */
function expected(numerator: bigint, denominator: bigint, { unitE8, mode }: Rounding): number {
  const divisor = denominator * BigInt(unitE8);
  const magnitude = numerator < 0n ? -numerator : numerator;
  const multiples = mode === 'up' ? (magnitude + divisor - 1n) / divisor : (2n * magnitude + divisor) / (2n * divisor);
  const amount = multiples * BigInt(unitE8);
  if (amount > BigInt(Number.MAX_SAFE_INTEGER)) return numerator < 0n ? -Infinity : Infinity;
  return Number(numerator < 0n ? -amount : amount);
}

describe('amounts as text', () => {
  it('are read to 1e-8 EUR', () => {
    assert.deepEqual(['0', '0.1760', '-12.5', '0.00000001', '90071992.54740991'].map(parseAmountE8), [
      0,
      17_600_000,
      -1_250_000_000,
      1,
      Number.MAX_SAFE_INTEGER,
    ]);
  });
  it('are refused when they are no such text or do not fit', () => {
    for (const text of ['', '1,5', '1.', '.5', '1e3', '+1', ' 1', '0.123456789', '90071992.54740992', '1'.repeat(16)]) {
      assert.ok(Number.isNaN(parseAmountE8(text)), text);
    }
  });
  it('are written with the decimals they have, four at least', () => {
    assert.deepEqual(
      [17_600_000, 0, -1, 12_345_678, 100_000_000].map((amount) => formatAmountE8(amount)),
      ['0.1760', '0.0000', '-0.00000001', '0.12345678', '1.0000'],
    );
    assert.equal(formatAmountE8(12_000_000, 2), '0.12');
    assert.equal(formatAmountE8(500_000_000, 0), '5');
    assert.equal(formatAmountE8(123_456_789_012_345_678_901n), '1234567890123.45678901');
  });
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 8 }), (amountE8, decimals) => {
        assert.equal(parseAmountE8(formatAmountE8(amountE8, decimals)), amountE8);
      }),
    );
  });
});

describe('the one rounding', () => {
  it('is half away from zero, or up (also away from zero)', () => {
    const half: Rounding = { unitE8: 10_000, mode: 'half-away' };
    const up: Rounding = { unitE8: 10_000, mode: 'up' };
    const numerators = [4_999, 5_000, 10_001, -4_999, -5_000, -10_001];
    assert.deepEqual(
      numerators.map((n) => roundQuotientE8(n, 1, half)),
      [0, 10_000, 10_000, 0, -10_000, -10_000],
    );
    assert.deepEqual(
      numerators.map((n) => roundQuotientE8(n, 1, up)),
      [10_000, 10_000, 20_000, -10_000, -10_000, -20_000],
    );
  });

  it('is the same in Number and in BigInt, on both sides of 2^53', () => {
    const nearBorder = fc.integer({ min: -2000, max: 0 }).map((below) => Number.MAX_SAFE_INTEGER + below);
    const numerator = fc.oneof(fc.maxSafeInteger(), nearBorder, fc.integer());
    const denominator = fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 2 ** 40 }));
    fc.assert(
      fc.property(numerator, denominator, rounding, (n, d, how) => {
        const exact = expected(BigInt(n), BigInt(d), how);
        assert.equal(roundQuotientE8(n, d, how), exact);
        assert.equal(roundBigQuotientE8(BigInt(n), BigInt(d), how), exact);
      }),
      { numRuns: 3000 },
    );
  });

  it('of price x units / per is exact below and beyond 2^53', () => {
    const units = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: 10 ** 15 }));
    const per = fc.oneof(fc.constantFrom(1, 60, 2 ** 20, 2 ** 30, 2 ** 40), fc.integer({ min: 1, max: 86_400 }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 11 }), units, per, rounding, (price, n, d, how) => {
        assert.equal(multiplyDivideE8(price, n, d, how), expected(BigInt(price) * BigInt(n), BigInt(d), how));
      }),
      { numRuns: 3000 },
    );
  });
});

function isAbove(sum: bigint, capE8: number, common: bigint): boolean {
  return capE8 !== Infinity && sum > BigInt(capE8) * common;
}

describe('the charge of a record', () => {
  it('is the exact sum of fee and pieces between minimum and cap, whatever their units and sizes', () => {
    const amount = fc.oneof(fc.integer({ min: 0, max: 10 ** 8 }), fc.integer({ min: 0, max: 10 ** 11 }));
    const billed = fc.oneof(fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 1, max: 10 ** 15 }));
    const piece = fc.record({
      from: fc.constant(0),
      billed,
      covered: fc.constantFrom(0, 0, 1),
      priceE8: fc.oneof(fc.integer({ min: 0, max: 10 ** 8 }), fc.integer({ min: 0, max: 10 ** 11 })),
      per: fc.constantFrom(60, 60, 60, 1, 7, 2 ** 40),
      rule: fc.constant('r'),
      step: fc.constant(0),
    });
    const pieces = fc.array(piece, { minLength: 1, maxLength: 4 });
    const limits = fc.tuple(amount, fc.constantFrom(0, 1, 10 ** 9, Infinity), fc.boolean());
    const charge: Charge = { amountE8: 0, limit: null };
    fc.assert(
      fc.property(amount, pieces, rounding, limits, (connectFeeE8, list, how, [least, more, any]) => {
        const minimumE8 = any ? least : 0;
        const terms = { connectFeeE8, minimumE8, capE8: any ? minimumE8 + more : Infinity, rounding: how };
        const common = list.reduce((product, { per }) => product * BigInt(per), 1n);
        const sum = list.reduce(
          (total, p) => total + (BigInt(p.priceE8) * BigInt(p.billed - p.covered) * common) / BigInt(p.per),
          BigInt(connectFeeE8) * common,
        );
        chargePieces(terms, [...list, list[0]!], list.length, charge);
        const limit = sum < BigInt(minimumE8) * common ? 'minimum' : isAbove(sum, terms.capE8, common) ? 'cap' : null;
        const exact = { minimum: BigInt(minimumE8) * common, cap: limit === 'cap' ? BigInt(terms.capE8) * common : 0n };
        assert.deepEqual(charge, { amountE8: expected(limit === null ? sum : exact[limit], common, how), limit });
      }),
      { numRuns: 3000 },
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prefixesOf } from '../../../src/kernel/rating/batch-rater.ts';
import { rulesRater } from '../../../src/kernel/rating/rules-rater.ts';
import { batchRows, usageBatch } from '../../../src/kernel/usage-batch.ts';
import { compileTariff } from '../../../src/telecom/compile-tariff.ts';
import { createRater } from '../../../src/telecom/rating.ts';
import { layout, seeded } from '../small-csv.ts';

const timeZone = 'Europe/Amsterdam';

/** Bands, steps, days of the week, minima, caps, a version that changes in mid-month and a fallback: drawn from a seed. */
function tariff(random: () => number) {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const price = () => `0.${String(Math.floor(random() * 100_000)).padStart(5, '0')}`;
  const rule = (index: number) => {
    const step = (from: number) => ({
      from,
      price: price(),
      per: random() < 0.9 ? 60 : 1,
      first: pick([1, 30, 60]),
      next: pick([1, 6, 60]),
    });
    return {
      id: `r${index}`,
      kind: pick(['voice', 'voice', 'sms']),
      match: { prefixes: [pick(['31', '316', '3161', '49', '4915', '1'])] },
      ...(random() < 0.5 ? { connectFee: price() } : {}),
      ...(random() < 0.1 ? { minimum: price() } : {}),
      ...(random() < 0.1 ? { cap: { amount: '0.5', strategy: 'free' } } : {}),
      ...(random() < 0.2 ? { rounding: { decimals: pick([2, 4, 8]), mode: pick(['up', 'half-away']) } } : {}),
      active: {
        from: pick(['00:00:00', '00:00:00', '08:00:00', '18:30:00']),
        ...(random() < 0.1 ? { weekdays: ['sat', 'sun'] } : {}),
      },
      steps: random() < 0.5 ? [step(0)] : [step(0), step(60)],
    };
  };
  const document = (validFrom: string, validTo: string | null, fallback: boolean) => ({
    validFrom,
    validTo,
    changePolicy: pick(['by_start', 'split']),
    zones: {},
    ...(fallback ? { fallback: 'other' } : {}),
    rules: Array.from({ length: 12 }, (_, index) => rule(index)),
  });
  const change = '2026-03-14T12:00:00';
  return {
    code: 'random',
    versions: [
      { id: '1', document: document('2026-03-02T00:00:00', change, random() < 0.2) },
      { id: '2', document: document(change, null, random() < 0.2) },
    ],
    fallbacks: { other: [{ id: '3', document: document('2020-01-01T00:00:00', null, false) }] },
  };
}

test('over random tariffs, bands, midnights, a change of the clock and of the version, both ways to rate agree', () => {
  let rated = 0;
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = seeded(seed);
    const bundle = tariff(random);
    const compiled = compileTariff(bundle, timeZone);
    const quick = rulesRater(compiled, prefixesOf(bundle), layout.kinds, 4);
    const rater = createRater(compileTariff(bundle, timeZone));
    const numbers = ['31612345678', '31201234567', '4915112345678', '1888', '112', '33123456789'];
    const batch = usageBatch();
    const chosen: string[] = [];
    for (let row = 0; row < batchRows; row += 1) {
      const number = numbers[Math.floor(random() * numbers.length)]!;
      batch.toAt[row] = chosen.join('').length;
      batch.toDigits[row] = number.length;
      chosen.push(number);
      batch.kind[row] = Math.floor(random() * 2);
      batch.startMs[row] = Date.UTC(2026, 2, 1) + Math.floor(random() * 31 * 86_400) * 1000;
      batch.usage[row] = Math.floor(random() * (random() < 0.3 ? 20_000 : 200));
    }
    batch.rows = batchRows;
    quick(batch, Buffer.from(chosen.join('')));
    for (const [row, number] of chosen.entries()) {
      const told = layout.kinds[batch.kind[row]!]!;
      const prefix = number === '112' ? '' : number.length > 6 ? number.slice(0, -4) : number;
      const record = { kind: told.kind, category: told.category, prefix, visited: '', providerAmountE8: 0 };
      const full = rater.rate({ ...record, startMs: batch.startMs[row]!, usage: batch.usage[row]! });
      const expected = full.status === 'rated' ? full.amountE8 : -1;
      assert.equal(batch.amountE8[row], expected, `seed ${seed}, row ${row}, ${number}`);
      if (expected > 0) rated += 1;
    }
  }
  assert.ok(rated > 5000, `${rated} rated`);
});

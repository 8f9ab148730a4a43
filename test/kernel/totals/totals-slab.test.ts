import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergedRows, mergeSlabs } from '../../../src/kernel/totals/merged-slab.ts';
import { type SlabTables, TotalsSlab } from '../../../src/kernel/totals/totals-slab.ts';
import { usageBatch } from '../../../src/kernel/usage-batch.ts';
import { seeded } from '../small-csv.ts';

test('slabs of several threads merge into exact sums, also beyond 2^53, whatever was taken out again', () => {
  const random = seeded(11);
  const sums = new Map<string, bigint[]>();
  const slabs: SlabTables[] = [];
  for (let thread = 0; thread < 3; thread += 1) {
    const slab = new TotalsSlab(3);
    for (let turn = 0; turn < 12; turn += 1) {
      const batch = usageBatch();
      batch.rows = 500;
      const sign = turn === 5 ? -1 : 1;
      for (let row = 0; row < batch.rows; row += 1) {
        const subscriber = Math.floor(random() * 3000) * 316_101;
        const unrated = random() < 0.1;
        batch.subscriber[row] = subscriber;
        batch.kind[row] = Math.floor(random() * 3);
        batch.usage[row] = Math.floor(random() * 2 ** 30);
        batch.amountE8[row] = unrated ? -1 : Math.floor(random() * Number.MAX_SAFE_INTEGER);
        batch.chargeE8[row] = Number.MAX_SAFE_INTEGER - Math.floor(random() * 10);
        const key = `${subscriber} ${batch.kind[row]}`;
        const added = [1, unrated ? 1 : 0, batch.usage[row]!, unrated ? 0 : batch.amountE8[row]!, batch.chargeE8[row]!];
        const sum = sums.get(key) ?? [0n, 0n, 0n, 0n, 0n];
        sums.set(
          key,
          sum.map((value, index) => value + BigInt(sign) * BigInt(added[index]!)),
        );
      }
      slab.addBatch(batch, sign);
    }
    slabs.push(slab.tables());
  }
  const expected = [...sums].filter(([, sum]) => sum[0] !== 0n).map(([key, sum]) => `${key} ${sum.join(' ')}`);
  const merged = mergeSlabs(3, slabs);
  const rows = [...mergedRows(merged)].map(
    ({ subscriber, kind, ...sum }) => `${subscriber} ${kind} ${Object.values(sum).join(' ')}`,
  );
  assert.deepEqual(rows.sort(), expected.sort());
  assert.ok(rows.length > 5000);
  const allOf = (kind: number) => [...sums].filter(([key]) => key.endsWith(` ${kind}`)).map(([, sum]) => sum);
  for (const [kind, { records, unrated, usage, amountE8, chargeE8 }] of merged.sums.entries()) {
    const all = allOf(kind).reduce((one, other) => one.map((value, index) => value + other[index]!));
    assert.deepEqual([records, unrated, usage, amountE8, chargeE8], all);
  }
});

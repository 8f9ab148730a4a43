import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KernelFile } from '../../../src/kernel/messages.ts';
import { batchRater } from '../../../src/kernel/rating/batch-rater.ts';
import { priceTables } from '../../../src/kernel/rating/price-list.ts';
import { usageBatch } from '../../../src/kernel/usage-batch.ts';

function fileWith(priceE8: number): KernelFile {
  const list = [{ prefix: '31', pricesE8: [priceE8] }];
  const tables = priceTables(list, [1], { unitE8: 1, mode: 'half-away' });
  const columns = { delimiter: 44, fields: [], kinds: [{ word: 'voice', kind: 'voice', category: 'x' }], widths: [] };
  return { path: '', bytes: 0, firstRecord: 0, columns, rating: { by: 'prices', tables } } as KernelFile;
}

function amountBy(file: KernelFile): number {
  const batch = usageBatch();
  batch.rows = 1;
  batch.toDigits[0] = 11;
  batch.usage[0] = 2;
  batchRater(file).rate(batch, Buffer.from('31612345678'));
  return batch.amountE8[0]!;
}

test('a thread keeps its rater for the next task with the same prices, and no longer', () => {
  const file = fileWith(500);
  const rater = batchRater(file);
  assert.equal(amountBy(file), 1000);
  // as another task has it, from a message
  assert.equal(batchRater(structuredClone(file)), rater);
  assert.equal(batchRater(fileWith(500)), rater);
  assert.equal(amountBy(fileWith(700)), 1400);
  assert.notEqual(batchRater(fileWith(700)), rater);
  assert.equal(amountBy(file), 1000);
});

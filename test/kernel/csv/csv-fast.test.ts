import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastReader } from '../../../src/kernel/csv/csv-fast.ts';
import { columnsOf } from '../../../src/kernel/usage-layout.ts';
import { header, layout } from '../small-csv.ts';

test('a thread has one reader for a layout, given empty to each who asks, and another for another layout', () => {
  const names = header.split(',');
  const columns = () =>
    columnsOf(
      layout,
      names,
      names.map(() => 4),
    );
  const first = fastReader(columns());
  first.batch.rows = 7;
  const again = fastReader(columns());
  assert.equal(again.read, first.read);
  assert.equal(again.batch, first.batch);
  assert.equal(again.batch.rows, 0);
  const other = fastReader({ ...columns(), delimiter: 59 });
  assert.notEqual(other.read, first.read);
  assert.notEqual(other.batch, first.batch);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openThreadPool } from '../../src/compute/open-pool.ts';
import { fusedPass } from '../../src/kernel/fused-pass.ts';
import type { KernelArgs, KernelFile } from '../../src/kernel/messages.ts';
import { batchRater, type FileRater } from '../../src/kernel/rating/batch-rater.ts';
import { priceTables } from '../../src/kernel/rating/price-list.ts';
import { runKernelTask } from '../../src/kernel/run-kernel-task.ts';
import type { RunKernelTask } from '../../src/kernel/side-by-side.ts';
import { deadly, throwing } from './poison-usage-worker.ts';
import { header, layout, list, per, plainTotals, randomRows, seeded } from './small-csv.ts';

const directory = mkdtempSync(join(tmpdir(), 'lk-kernel-poison-'));
const pool = openThreadPool<KernelArgs>({
  threads: 2,
  worker: new URL('./poison-usage-worker.ts', import.meta.url),
});
after(async () => {
  await pool.close();
  rmSync(directory, { recursive: true });
});
const rating = { by: 'prices', tables: priceTables(list, per, { unitE8: 10_000, mode: 'half-away' }) } as const;

async function passOver(rows: readonly string[], rangeBytes = 16_384, dedupMemory = 2 ** 30) {
  const path = join(directory, 'usage.csv');
  writeFileSync(path, `${header}\n${rows.join('')}`);
  const run = (async (args, options) => (await pool.run(args, options)).result) as RunKernelTask;
  const { signal } = new AbortController();
  const scratch = mkdtempSync(join(directory, 'scratch-'));
  return fusedPass({ path, layout, rating, run, threads: 2, signal, scratch, rangeBytes, dedupMemory });
}

const row = (id: number, usage = 60, text = 'x') =>
  `${id},31610000000,voice,31612345678,2026-06-01T12:00:00Z,${usage},0.1000,${text}\n`;
const good = (count: number, from: number) =>
  Array.from({ length: count }, (_, at) => row(from + at, 60, at % 9 === 0 ? `"quoted\n${from + at},in\n"` : 'x'));
const offsetOf = (rows: readonly string[], index: number) => `${header}\n${rows.slice(0, index).join('')}`.length;

test('a record that ends its thread is a fault with its offset, and all others are totalled', async () => {
  const rows = [...good(700, 1), row(5000, deadly, '"two\nlines"'), ...good(500, 10_000), row(1, 90)];
  const before = pool.status().died;
  const { records, duplicates, faults, rows: sums } = await passOver(rows);
  assert.deepEqual(
    faults.map(({ offset, code }) => [offset, code]),
    [
      [offsetOf(rows, 0), 'conflicting-duplicate'],
      [offsetOf(rows, 700), 'killed-its-thread'],
    ],
  );
  assert.deepEqual([records, duplicates, sums[0]!.usage], [1200, 1, 1199n * 60n + 90n]);
  const died = pool.status().died - before;
  assert.ok(died > 1 && died <= 9, `${died} threads died for a range of some 200 records`);
});

test('what nobody foresaw is told with its reason, first and last record too, and with keys on disk', async () => {
  const rows = [row(9001, throwing), ...good(300, 1), row(9002, deadly), row(9003, deadly)];
  for (const dedupMemory of [2 ** 30, 5000]) {
    const { records, faults, faultCount, spilled } = await passOver(rows, 16_384, dedupMemory);
    const reason = 'nobody foresaw 3161234****';
    assert.deepEqual(faults, [
      { offset: offsetOf(rows, 0), code: 'unexpected-error', field: null, reason },
      { offset: offsetOf(rows, 301), code: 'killed-its-thread', field: null },
      { offset: offsetOf(rows, 302), code: 'killed-its-thread', field: null },
    ]);
    assert.deepEqual([records, faultCount, spilled], [300, 3, dedupMemory === 5000]);
  }
});

test('random files give what they give without such records, wherever they are cut', async () => {
  const path = join(directory, 'random.csv');
  const control = { throwIfAborted() {}, progress() {} };
  const run = ((args: KernelArgs) => runKernelTask(args, control, throwingRater)) as RunKernelTask;
  for (let seed = 1; seed <= 20; seed += 1) {
    const rows = randomRows(seed, 60);
    const random = seeded(seed + 1000);
    for (let one = 0; one < 1 + (seed % 3); one += 1) {
      rows.splice(Math.floor(random() * rows.length), 0, row(7_000_000 + one, throwing, '"two\nlines"').trimEnd());
    }
    const content = `${header}\n${rows.join('\n')}\n`;
    writeFileSync(path, content);
    const rangeBytes = 100 + Math.floor(random() * 2_000);
    const scratch = mkdtempSync(join(directory, 'scratch-'));
    const dedupMemory = seed % 2 === 0 ? 2 ** 30 : 5_000;
    const { signal } = new AbortController();
    const result = await fusedPass({
      ...{ path, layout, rating, run, threads: 2, signal, scratch, rangeBytes, dedupMemory },
    });
    const plain = plainTotals(content.replaceAll(`,${throwing},`, ',xxx,'));
    const lines = result.rows.map(({ subscriber, kind, ...sum }) =>
      [subscriber, kind, sum.records, sum.unrated, sum.usage, sum.amountE8, sum.chargeE8].join(' '),
    );
    const wrong = result.faults.filter(({ code }) => code !== 'conflicting-duplicate').length;
    const { records, duplicates } = result;
    assert.deepEqual({ rows: lines.sort(), records, duplicates, wrong }, plain, `seed ${seed}`);
    assert.ok(result.faults.filter(({ code }) => code === 'unexpected-error').length > seed % 3);
  }
});

function throwingRater(file: KernelFile): FileRater {
  const { rate, reasonOf } = batchRater(file);
  return {
    reasonOf,
    rate(batch, bytes) {
      if (batch.usage.subarray(0, batch.rows).includes(throwing)) throw new TypeError('nobody foresaw it');
      rate(batch, bytes);
    },
  };
}

test('a file with more of them than can be looked for is refused, and says where they are', async () => {
  const rows = Array.from({ length: 5 }, (_, at) => [row(9000 + at, throwing), ...good(20, at * 20)]).flat();
  await assert.rejects(
    passOver(rows),
    /more than 4 records end the threads .* at [\d,]+; [\d,]+; [\d,]+; [\d,]+; [\d,]+/,
  );
});

test('a start before 2000 or too late for the clock of the tariffs is a wrong record', async () => {
  const rows = [row(1), row(2).replace('2026-', '1999-'), row(3).replace('2026-', '2199-'), row(4)];
  const { records, faults } = await passOver(rows);
  assert.equal(records, 2);
  assert.deepEqual(
    faults.map(({ offset, code, field }) => [offset, code, field]),
    [1, 2].map((index) => [offsetOf(rows, index), 'bad-value', 'start']),
  );
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { movesOf, release } from '../../src/compute/moving.ts';
import type { TaskControl } from '../../src/compute/task-control.ts';
import { UnreadableFileError } from '../../src/kernel/csv/usage-reader.ts';
import { type FusedPassOptions, type FusedPassResult, fusedPass, fusedTotals } from '../../src/kernel/fused-pass.ts';
import type { KernelArgs } from '../../src/kernel/messages.ts';
import { priceTables } from '../../src/kernel/rating/price-list.ts';
import { runKernelTask } from '../../src/kernel/run-kernel-task.ts';
import type { RunKernelTask } from '../../src/kernel/side-by-side.ts';
import { header, layout, list, per, plainTotals, randomRows } from './small-csv.ts';

const directory = mkdtempSync(join(tmpdir(), 'lk-kernel-'));
after(() => rmSync(directory, { recursive: true }));
const tables = priceTables(list, per, { unitE8: 10_000, mode: 'half-away' });
const never = new AbortController().signal;

/** The tasks in this thread, one after the other, as the pool's threads run them. */
function inThisThread(tasks: string[] = []): RunKernelTask {
  const control = (signal: AbortSignal): TaskControl => ({
    throwIfAborted: () => signal.throwIfAborted(),
    progress() {},
  });
  return (async (args: KernelArgs, { signal }: { signal: AbortSignal }) => {
    tasks.push(args.task);
    return runKernelTask(args, control(signal));
  }) as RunKernelTask;
}

function passOver(text: string, options: Partial<FusedPassOptions> = {}): Promise<FusedPassResult> {
  const path = join(directory, 'file.csv');
  writeFileSync(path, text);
  const scratch = mkdtempSync(join(directory, 'scratch-'));
  const all = {
    path,
    layout,
    rating: { by: 'prices', tables } as const,
    run: inThisThread(),
    threads: 2,
    signal: never,
  };
  return fusedPass({ ...all, scratch, ...options });
}

function seen({ rows, records, duplicates, faults }: FusedPassResult) {
  const wrong = faults.filter(({ code }) => code !== 'conflicting-duplicate').length;
  const lines = rows.map(({ subscriber, kind, ...sum }) =>
    [subscriber, kind, sum.records, sum.unrated, sum.usage, sum.amountE8, sum.chargeE8].join(' '),
  );
  return { rows: lines.sort(), records, duplicates, wrong };
}

test('random files have the totals, the duplicates and the wrong records that plain means find', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const text = `${header}\n${randomRows(seed, 300).join(seed % 2 === 0 ? '\n' : '\r\n')}`;
    const result = await passOver(text);
    assert.deepEqual(seen(result), plainTotals(text.replaceAll('\r\n', '\n')), `seed ${seed}`);
    assert.ok(result.records > 150 && result.duplicates > 10 && result.faultCount > 10);
  }
});

test('ranges cut anywhere, also inside quotes that look like records, give the same records', async () => {
  const text = `${header}\n${randomRows(7, 8).join('\n')}\n`;
  const whole = await passOver(text);
  const tasks: string[] = [];
  for (let rangeBytes = 30; rangeBytes < text.length + 2; rangeBytes += 1) {
    const cut = await passOver(text, { rangeBytes, run: inThisThread(tasks) });
    assert.deepEqual(cut, whole, `ranges of ${rangeBytes} bytes`);
  }
  assert.ok(tasks.includes('kernel-borders'), 'some guess was wrong and was noticed');
});

test('keys on disk give what keys in memory give', async () => {
  for (let seed = 30; seed < 40; seed += 1) {
    const text = `${header}\n${randomRows(seed, 400).join('\n')}\n`;
    const memory = await passOver(text, { rangeBytes: 3000 });
    const disk = await passOver(text, { rangeBytes: 3000, dedupMemory: 6000 });
    assert.ok(disk.spilled && !memory.spilled);
    assert.deepEqual({ ...disk, spilled: false }, memory, `seed ${seed}`);
  }
});

test('of records with one id the last in the file counts, and those that differ from it are named', async () => {
  const row = (usage: number) => `7,31610000000,voice,31612345678,2026-06-01T12:00:00Z,${usage},0.1000,x\n`;
  const text = `${header}\n${row(10)}${row(30)}${row(20)}${row(30)}`;
  for (const rangeBytes of [64, 100, 1000]) {
    const { rows, duplicates, faults } = await passOver(text, { rangeBytes });
    assert.deepEqual([rows[0]!.usage, duplicates], [30n, 3]);
    const first = header.length + 1;
    assert.deepEqual(
      faults,
      [first, first + 2 * row(10).length].map((offset) => ({ offset, code: 'conflicting-duplicate', field: null })),
    );
  }
});

test('a wrong record is named with its offset and its field', async () => {
  const good = '1,31610000000,voice,31612345678,2026-06-01T12:00:00Z,60,0.1000,x';
  const wrong = [
    good.replace(',60,', ',-60,'),
    good.replace('06-01', '06-31'),
    good.replace('voice', 'fax'),
    `${good},more`,
    `${good.slice(0, -1)}a"b`,
  ];
  const { faults } = await passOver([header, good, ...wrong].join('\n'));
  const first = header.length + good.length + 2;
  assert.deepEqual(faults[0], { offset: first, code: 'bad-value', field: 'usage' });
  assert.deepEqual(
    faults.map(({ code, field }) => [code, field]),
    [
      ['bad-value', 'usage'],
      ['bad-value', 'start'],
      ['unknown-kind', 'kind'],
      ['columns', null],
      ['bad-quotes', null],
    ],
  );
});

test('a quote that is never closed costs its own line, as in an import, wherever the file is cut', async () => {
  const row = (id: number, text: string) =>
    `${id},31610000000,voice,31612345678,2026-06-01T12:00:00Z,60,0.1000,${text}\n`;
  const rows = [
    row(1, 'a'),
    row(2, '"open'),
    row(3, 'b'),
    '\n',
    row(4, '"x" y'),
    row(5, '"two\nlines"'),
    row(6, '"open'),
  ];
  const lines = Array.from({ length: 2000 }, (_, line) =>
    row(100 + line, 'no quote, so no end of one'.replace(',', '')),
  );
  for (const tail of ['', lines.join('')]) {
    const text = `${header}\n${rows.join('')}${tail}`;
    for (const rangeBytes of [100, 4096, 2 ** 20]) {
      const { records, faults } = await passOver(text, { rangeBytes });
      assert.equal(records, 3 + (tail === '' ? 0 : 2000));
      assert.deepEqual(
        faults.map(({ offset, field }) => [text.slice(offset, offset + 2), field]),
        [
          ['2,', null],
          ['4,', null],
          ['6,', null],
        ],
      );
    }
  }
});

test('a line without an end refuses the file, and a missing column names itself', async () => {
  const endless = `${header}\n1,31610000000,voice,316,2026-06-01T12:00:00Z,60,0.1000,"${'x'.repeat(500_000)}\n`;
  await assert.rejects(passOver(endless), UnreadableFileError);
  await assert.rejects(passOver('id,from,kind,to,start,usage\n'), /has no column "charge"/);
});

test('of what threads hand on nothing is left after a pass but the totals, and the logs that its next one takes', async () => {
  const path = join(directory, 'twice.csv');
  writeFileSync(path, `${header}\n${randomRows(5, 3000).join('\n')}\n`);
  const moved: { readonly task: string; readonly buffer: ArrayBuffer }[] = [];
  const lefts: number[] = [];
  const tasks: string[] = [];
  const run = (async (args: KernelArgs, options: { signal: AbortSignal }) => {
    const result = await inThisThread(tasks)(args, options);
    for (const buffer of movesOf(result)) moved.push({ task: args.task, buffer });
    return result;
  }) as RunKernelTask;
  const options = { path, layout, rating: { by: 'prices', tables } as const, run, threads: 2, signal: never };
  // the first guesses of borders are wrong: what that pass found is given back too
  for (const rangeBytes of [20_000, 20_000, 2 ** 20, 2 ** 20]) {
    const { totals } = await fusedTotals({ ...options, scratch: directory, rangeBytes });
    const ofTotals = movesOf(totals);
    assert.equal(ofTotals.length, 2);
    const left = moved.filter(({ buffer }) => buffer.byteLength > 0 && !ofTotals.includes(buffer));
    assert.deepEqual(
      new Set(left.map(({ task, buffer }) => `${task} ${buffer.byteLength}`)),
      new Set(['kernel-fuse 786432']),
    );
    lefts.push(new Set(left.map(({ buffer }) => buffer)).size);
    release(ofTotals);
  }
  assert.ok(tasks.includes('kernel-borders') && tasks.includes('kernel-settle'));
  assert.ok(lefts.at(-1)! <= 2, `parts of a log that are kept: ${lefts.join(', ')}`);
});

test('an aborted pass ends with the reason of its signal', async () => {
  const text = `${header}\n${randomRows(3, 20_000).join('\n')}\n`;
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await assert.rejects(passOver(text, { signal: stop.signal }), /enough/);
});

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeSurviving } from '../../src/compute/decode-surviving.ts';
import { openThreadPool } from '../../src/compute/open-pool.ts';
import type { ComputePool } from '../../src/compute/pool.ts';
import type { DecodeArgs, DecodeResult } from '../../src/compute/tasks/messages.ts';
import { kpnSp16Layout } from '../../src/providers/kpn-sp16/spec.ts';
import { account, calls, fileNameOf, gzipped, line } from '../providers/kpn-sp16/sp16-bytes.ts';
import { heavyName, poisonSeconds } from './poison-record-worker.ts';

const never = new AbortController().signal;

async function decodeWith(
  lines: readonly string[],
  name = fileNameOf(),
  signal = never,
  abortAfter = Number.POSITIVE_INFINITY,
) {
  const directory = mkdtempSync(join(tmpdir(), 'lk-poison-'));
  const worker = new URL('./poison-record-worker.ts', import.meta.url);
  const threads = openThreadPool<DecodeArgs>({ threads: 1, worker });
  let runs = 0;
  const pool = {
    async run(args: DecodeArgs, options: { signal: AbortSignal }) {
      runs += 1;
      if (runs > abortAfter) throw new Error('aborted by the test');
      return { result: (await threads.run(args, options)).result as DecodeResult };
    },
  } as unknown as Pick<ComputePool, 'run'>;
  try {
    const path = join(directory, 'file');
    const spoolPath = join(directory, 'spool');
    writeFileSync(path, gzipped(lines, { seq: name.slice(-13, -7) }));
    const result = await decodeSurviving(
      pool,
      {
        ...{
          task: 'decode',
          path,
          compression: 'gz',
          name,
          spec: kpnSp16Layout,
          account,
          cycleDay: 1,
          numberMask: 4,
          spoolPath,
        },
        timeZone: 'Europe/Amsterdam',
        hashKey: Buffer.from('key'),
        nowMs: Date.parse('2026-11-20T12:00:00Z'),
      },
      { signal },
    );
    const rows = result.ok ? readFileSync(spoolPath, 'latin1').split('\n').length - 1 : 0;
    return { result, rows, left: readdirSync(directory), runs, died: threads.status().died };
  } finally {
    await threads.close();
    rmSync(directory, { recursive: true });
  }
}

const poison = (id: string) => line({ id, usage: String(poisonSeconds) });

test('a record that ends its thread is quarantined, and all others are decoded', async () => {
  const { result, rows, left, died } = await decodeWith([...calls(300), poison('9000'), ...calls(200, 5000)]);
  assert.ok(result.ok, result.ok ? '' : result.problem.message);
  assert.deepEqual([result.records, result.rows, rows], [501, 500, 500]);
  assert.deepEqual(
    result.quarantined.map(({ code, line: at }) => [code, at]),
    [['killed-its-thread', 302]],
  );
  assert.deepEqual(left, ['file', 'spool']);
  assert.ok(died <= 11, `${died} threads died for 503 lines`);
});

test('two such records are both found', async () => {
  const { result } = await decodeWith([poison('9000'), ...calls(20), poison('9001')]);
  assert.ok(result.ok, result.ok ? '' : result.problem.message);
  assert.deepEqual(
    result.quarantined.map(({ line: at }) => at),
    [2, 23],
  );
});

test('a file that ends its thread as a whole is refused', async () => {
  const { result, left } = await decodeWith(calls(150), heavyName);
  assert.ok(!result.ok);
  assert.deepEqual([result.problem.code, left.includes('spool.probe')], ['kills-its-thread', false]);
  assert.match(result.problem.message, /no record alone does/);
});

test('what the pool throws beside that ends the search', async () => {
  await assert.rejects(decodeWith([poison('9000'), ...calls(20)], fileNameOf(), never, 3), /aborted by the test/);
});

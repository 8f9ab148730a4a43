import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openComputePool, openThreadPool } from '../../../src/compute/open-pool.ts';
import type { DecodeArgs, DecodeResult } from '../../../src/compute/tasks/messages.ts';
import { ThreadDiedError } from '../../../src/compute/thread-died.ts';
import { kpnSp16Layout } from '../../../src/providers/kpn-sp16/spec.ts';
import { account, calls, fileBytes, fileNameOf, gzipped } from '../../providers/kpn-sp16/sp16-bytes.ts';
import type { PoisonArgs } from '../poison-worker.ts';

const never = new AbortController().signal;

async function withFile(bytes: Buffer, work: (args: DecodeArgs, directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'lk-pool-'));
  try {
    const path = join(directory, 'file');
    writeFileSync(path, bytes);
    await work(
      {
        task: 'decode',
        path,
        compression: bytes[0] === 0x1f ? 'gz' : 'none',
        spec: kpnSp16Layout,
        name: fileNameOf(),
        account,
        timeZone: 'Europe/Amsterdam',
        cycleDay: 1,
        numberMask: 4,
        hashKey: Buffer.from('key'),
        nowMs: Date.parse('2026-11-20T12:00:00Z'),
        spoolPath: join(directory, 'spool'),
      },
      directory,
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('decodes in a pool thread and tells how far it is', () =>
  withFile(gzipped(calls(5000)), async (args) => {
    const pool = openComputePool({ threads: 1 });
    try {
      const seen: number[] = [];
      const { result, timing } = await pool.run(args, {
        signal: never,
        onProgress(done, total) {
          assert.equal(total, statSync(args.path).size);
          seen.push(done);
        },
      });
      assert.ok(result.ok);
      assert.equal(result.rows, 5000);
      assert.ok(timing.durationMs > 0);
      assert.deepEqual(
        seen,
        seen.toSorted((a, b) => a - b),
      );
    } finally {
      await pool.close();
    }
  }));

test('a decode that is aborted half-way leaves no spool', () =>
  withFile(fileBytes(calls(60_000)), async (args, directory) => {
    const pool = openComputePool({ threads: 1 });
    try {
      const stop = new AbortController();
      const task = pool.run(args, { signal: stop.signal, onProgress: () => stop.abort(new Error('no longer wanted')) });
      await assert.rejects(task, /no longer wanted/);
      assert.deepEqual(readdirSync(directory), ['file']);
      assert.equal(pool.status().died, 0);
    } finally {
      await pool.close();
    }
  }));

test('a file that kills its thread does not stop the files beside it', () =>
  withFile(gzipped(calls(10)), async (args) => {
    const worker = new URL('../poison-worker.ts', import.meta.url);
    const pool = openThreadPool<PoisonArgs>({ threads: 2, worker });
    try {
      const poison = (inner: DecodeArgs) =>
        pool.run({ task: 'poisoned', poisonFile: '/archive/poison', inner }, { signal: never });
      const outcomes = await Promise.allSettled([
        poison(args),
        poison({ ...args, path: '/archive/poison' }),
        poison({ ...args, spoolPath: `${args.spoolPath}2` }),
      ]);
      assert.deepEqual(
        outcomes.map((outcome) => outcome.status),
        ['fulfilled', 'rejected', 'fulfilled'],
      );
      assert.ok(outcomes[1].status === 'rejected' && outcomes[1].reason instanceof ThreadDiedError);
      assert.ok(outcomes[2].status === 'fulfilled' && (outcomes[2].value.result as DecodeResult).ok);
      assert.ok(existsSync(`${args.spoolPath}2`));
    } finally {
      await pool.close();
    }
  }));

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { openThreadPool, type ThreadPool, type ThreadPoolOptions } from '../../src/compute/open-pool.ts';
import { ComputePoolClosedError, ThreadDiedError } from '../../src/compute/thread-died.ts';
import type { PoisonArgs } from './poison-worker.ts';

const never = new AbortController().signal;
const worker = new URL('./poison-worker.ts', import.meta.url);
const opened: ThreadPool<PoisonArgs>[] = [];

function open(options: Partial<ThreadPoolOptions> = {}): ThreadPool<PoisonArgs> {
  const pool = openThreadPool<PoisonArgs>({
    worker,
    threads: 2,
    maxOldGenerationMb: 48,
    stopDeadlineMs: 200,
    ...options,
  });
  opened.push(pool);
  return pool;
}

afterEach(async () => {
  for (const pool of opened.splice(0)) await pool.close();
});

const run = (pool: ThreadPool<PoisonArgs>, args: PoisonArgs, signal = never) => pool.run(args, { signal });
const threadOf = (finished: { result: unknown }) => (finished.result as { threadId: number }).threadId;

/** Resolves when the task on it has begun: its first progress arrived. */
function begun(pool: ThreadPool<PoisonArgs>, args: PoisonArgs, signal: AbortSignal) {
  const started = Promise.withResolvers<void>();
  const ended = pool.run(args, { signal, onProgress: () => started.resolve() });
  ended.catch(() => {});
  return { started: started.promise, ended };
}

for (const task of ['exit', 'out-of-memory', 'unclonable', 'stray-rejection'] as const) {
  test(`a thread that dies of ${task} rejects only its own task, and the pool goes on at full size`, async () => {
    const pool = open();
    const stop = new AbortController();
    const neighbour = begun(pool, { task: 'until-stopped' }, stop.signal);
    await neighbour.started;
    await assert.rejects(run(pool, { task }), (error) => error instanceof ThreadDiedError && error.task === task);
    assert.deepEqual(pool.status(), { threads: 2, queued: 0, running: 1, completed: 0, died: 1 });
    assert.deepEqual((await run(pool, { task: 'echo', value: 'on' })).result, {
      value: 'on',
      threadId: threadOf(await run(pool, { task: 'echo', value: 1 })),
    });
    stop.abort(new Error('enough'));
    await assert.rejects(neighbour.ended, /enough/);
  });
}

test('what a task throws arrives with code and cause, and costs no thread', async () => {
  const pool = open({ threads: 1 });
  const before = threadOf(await run(pool, { task: 'echo', value: 1 }));
  await assert.rejects(run(pool, { task: 'disk-full' }), (error: NodeJS.ErrnoException) => {
    assert.deepEqual(
      [error.code, error.message, (error.cause as Error).name],
      ['ENOSPC', 'no space left on device', 'TypeError'],
    );
    return true;
  });
  assert.equal(threadOf(await run(pool, { task: 'echo', value: 1 })), before);
  assert.equal(pool.status().died, 0);
});

test('an aborted task stops between its chunks and its thread stays', async () => {
  const pool = open({ threads: 1, stopDeadlineMs: 60_000 });
  const before = threadOf(await run(pool, { task: 'echo', value: 1 }));
  const stop = new AbortController();
  const task = begun(pool, { task: 'until-stopped' }, stop.signal);
  await task.started;
  stop.abort(new Error('cancelled by a person'));
  await assert.rejects(task.ended, /cancelled by a person/);
  assert.equal(threadOf(await run(pool, { task: 'echo', value: 1 })), before);
});

test('an endless loop is ended after the deadline, its neighbour never notices', async () => {
  const pool = open();
  const stop = new AbortController();
  const other = new AbortController();
  const neighbour = begun(pool, { task: 'until-stopped' }, other.signal);
  const endless = begun(pool, { task: 'endless' }, stop.signal);
  await Promise.all([neighbour.started, endless.started]);
  stop.abort(new Error('too long'));
  await assert.rejects(endless.ended, /too long/);
  assert.equal(pool.status().threads, 2);
  other.abort(new Error('stopped by its own signal'));
  await assert.rejects(neighbour.ended, /stopped by its own signal/);
  assert.equal(pool.status().died, 1);
});

test('a queued task that is aborted never runs, and the next one does', async () => {
  const pool = open({ threads: 1 });
  const stop = new AbortController();
  const first = begun(pool, { task: 'until-stopped' }, stop.signal);
  const queued = new AbortController();
  const second = run(pool, { task: 'exit' }, queued.signal);
  const third = run(pool, { task: 'echo', value: 3 });
  await first.started;
  assert.deepEqual([pool.status().queued, pool.status().running], [2, 1]);
  queued.abort(new Error('not needed'));
  await assert.rejects(second, /not needed/);
  stop.abort();
  await assert.rejects(first.ended);
  assert.equal(((await third).result as { value: number }).value, 3);
  await assert.rejects(run(pool, { task: 'exit' }, AbortSignal.abort(new Error('before'))), /before/);
  assert.equal(pool.status().died, 0);
});

test('a thread is renewed after its share of tasks', async () => {
  const pool = open({ threads: 1, tasksPerThread: 3 });
  const threads: number[] = [];
  for (let task = 0; task < 7; task += 1) threads.push(threadOf(await run(pool, { task: 'echo', value: task })));
  assert.deepEqual(
    threads.map((id) => threads.indexOf(id)),
    [0, 0, 0, 3, 3, 3, 6],
  );
  assert.deepEqual(pool.status(), { threads: 1, queued: 0, running: 0, completed: 7, died: 0 });
});

test('a thread is renewed when it is old, each at its own share of the age', async () => {
  let nowMs = 0;
  const pool = open({ threads: 1, threadAgeMs: 1_000, nowMs: () => nowMs, random: () => 0.5 });
  const first = threadOf(await run(pool, { task: 'echo', value: 1 }));
  nowMs = 874;
  assert.equal(threadOf(await run(pool, { task: 'echo', value: 2 })), first);
  nowMs = 875;
  assert.equal(threadOf(await run(pool, { task: 'echo', value: 3 })), first, 'it ends between tasks');
  const second = threadOf(await run(pool, { task: 'echo', value: 4 }));
  assert.notEqual(second, first);
  nowMs = 1_749;
  assert.equal(threadOf(await run(pool, { task: 'echo', value: 5 })), second);
});

test('a thread is renewed when a task left much heap in use behind it', async () => {
  const pool = open({ threads: 1, maxOldGenerationMb: 128, threadHeapMb: 32 });
  const first = threadOf(await run(pool, { task: 'echo', value: 1 }));
  assert.equal(threadOf(await run(pool, { task: 'hoard', megabytes: 1 })), first);
  assert.equal(threadOf(await run(pool, { task: 'hoard', megabytes: 40 })), first);
  assert.notEqual(threadOf(await run(pool, { task: 'echo', value: 2 })), first);
  assert.equal(pool.status().died, 0);
});

test('a worn thread stays when its module is gone and no other could start', async () => {
  const directory = mkdtempSync(join(import.meta.dirname, 'gone-'));
  try {
    const module = join(directory, 'worker.ts');
    writeFileSync(module, "export { default } from '../poison-worker.ts';\n");
    const pool = open({ threads: 1, tasksPerThread: 2, worker: pathToFileURL(module) });
    const threads = [threadOf(await run(pool, { task: 'echo', value: 1 }))];
    rmSync(directory, { recursive: true });
    for (let task = 2; task <= 4; task += 1) threads.push(threadOf(await run(pool, { task: 'echo', value: task })));
    assert.equal(new Set(threads).size, 1);
    assert.equal(pool.status().died, 0);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('buffers that move are on one side only: neither arguments nor results are copied', async () => {
  const pool = open({ threads: 1 });
  for (const onProgress of [undefined, () => {}]) {
    const numbers = Float64Array.of(1, 2, 3);
    const options = { signal: never, ...(onProgress ? { onProgress } : {}) };
    const { result } = await pool.run({ task: 'double', numbers, moves: [numbers.buffer] }, options);
    assert.deepEqual((result as { numbers: Float64Array }).numbers, Float64Array.of(2, 4, 6));
    assert.equal(numbers.length, 0, 'the caller has the argument no more');
    const { result: left } = await run(pool, { task: 'left-of-double' });
    assert.deepEqual(left, [3, 0], 'the thread has the argument, and the result no more');
  }
});

test('the time that a task took is told', async () => {
  const before = Date.now();
  const { startedAtMs, durationMs, thread } = await run(open(), { task: 'echo', value: 1 });
  assert.ok(startedAtMs >= before && startedAtMs <= Date.now());
  assert.ok(durationMs >= 0 && durationMs < 5000);
  assert.ok(thread > 0);
});

test('a worker that cannot be loaded rejects its tasks instead of keeping them', async () => {
  const pool = open({ threads: 1, worker: new URL('./not-there.ts', import.meta.url) });
  await assert.rejects(run(pool, { task: 'echo', value: 1 }), ThreadDiedError);
  await assert.rejects(run(pool, { task: 'echo', value: 2 }), ThreadDiedError);
});

test('close ends running tasks and refuses waiting and new ones', async () => {
  const pool = open({ threads: 1 });
  const running = begun(pool, { task: 'endless' }, never);
  const waiting = run(pool, { task: 'echo', value: 1 });
  waiting.catch(() => {});
  await running.started;
  await pool.close();
  await assert.rejects(running.ended, ComputePoolClosedError);
  await assert.rejects(waiting, ComputePoolClosedError);
  await assert.rejects(run(pool, { task: 'echo', value: 1 }), ComputePoolClosedError);
});

test('numbers that make no pool are refused by name', () => {
  assert.throws(() => open({ threads: 0 }), /threads must be a positive integer, not 0/);
  assert.throws(() => open({ tasksPerThread: 1.5 }), /tasksPerThread/);
});

test('a task that waits for a thread gives signs of life, and none once it runs', async () => {
  const pool = open({ threads: 1, queuedSignMs: 5 });
  const stop = new AbortController();
  const first = begun(pool, { task: 'until-stopped' }, stop.signal);
  await first.started;
  const signs: [number, number][] = [];
  const twice = Promise.withResolvers<void>();
  const onProgress = (done: number, total: number) => {
    signs.push([done, total]);
    if (signs.length === 2) twice.resolve();
  };
  const second = pool.run({ task: 'echo', value: 1 }, { signal: never, onProgress });
  await twice.promise;
  stop.abort(new Error('enough'));
  await assert.rejects(first.ended, /enough/);
  await second;
  assert.ok(signs.every(([done, total]) => done === 0 && total === 0));
});

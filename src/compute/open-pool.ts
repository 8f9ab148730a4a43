/**
 * The compute pool: a fixed number of threads, one task at a time on each, first come first served. Its public contract is
 * `ComputePool` in pool.ts.
 *
 * - A task hears an abort through a shared flag between its chunks; if it goes on for `stopDeadlineMs` its thread is ended.
 *   Either way `run` rejects with the signal's reason, when the task has really stopped.
 * - A thread that dies (process.exit, out of memory, ended) rejects its own task with `ThreadDiedError`; the pool goes on at
 *   full size. A thread that cannot be started rejects each task given to it and is tried again at the next.
 * - Threads are renewed, between tasks, after `tasksPerThread` tasks, at `threadAgeMs`, and when a task left more than
 *   `threadHeapMb` of heap in use.
 */
import { ComputeThread, type FinishedTask, type RunOnThread } from './compute-thread.ts';
import type { ComputePool } from './pool.ts';
import type { TaskArgs } from './tasks/messages.ts';
import { ComputePoolClosedError } from './thread-died.ts';

export interface ComputePoolOptions {
  readonly threads: number;
  /** Heap of one thread; typed arrays and buffers do not count. Default 512. */
  readonly maxOldGenerationMb?: number;
  /** Default 1,000. */
  readonly tasksPerThread?: number;
  /** A thread is renewed, between tasks, at 75 to 100 % of this age. Default a day. */
  readonly threadAgeMs?: number;
  /** And when a task left that much heap in use behind it. Default three quarters of `maxOldGenerationMb`. */
  readonly threadHeapMb?: number;
  /** Default 5,000. */
  readonly stopDeadlineMs?: number;
}

export interface ThreadPoolOptions extends ComputePoolOptions {
  /** How often a task that waits for a thread reports progress of 0 of 0. Default 5,000. */
  readonly queuedSignMs?: number;
  /** A module whose default export is a `threadEntry`. */
  readonly worker: URL;
  /** Monotonic; default `performance.now`. */
  readonly nowMs?: () => number;
  /** In [0, 1); default `Math.random`. */
  readonly random?: () => number;
}

/** A pool whose tasks are not (only) the service's: benches and tests have workers of their own. */
export interface ThreadPool<Args extends { readonly task: string }> {
  run(args: Args, options: RunOnThread): Promise<FinishedTask>;
  status(): ReturnType<ComputePool['status']>;
  close(): Promise<void>;
}

interface Waiting {
  readonly task: string;
  start(thread: ComputeThread): void;
  refuse(error: unknown): void;
}

export function openComputePool(options: ComputePoolOptions): ComputePool {
  const pool = openThreadPool<TaskArgs>({ ...options, worker: new URL('./worker.ts', import.meta.url) });
  return {
    run: (async (args, runOptions) => {
      const { result, startedAtMs, durationMs, thread } = await pool.run(args, runOptions);
      return { result, timing: { startedAtMs, durationMs, thread } };
    }) as ComputePool['run'],
    status: pool.status,
    close: pool.close,
  };
}

/** Throws RangeError when a number is not a positive integer. */
export function openThreadPool<Args extends { readonly task: string }>(options: ThreadPoolOptions): ThreadPool<Args> {
  const maxOldGenerationMb = positive('maxOldGenerationMb', options.maxOldGenerationMb ?? 512);
  const limits = {
    worker: options.worker,
    maxOldGenerationMb,
    wear: {
      tasks: positive('tasksPerThread', options.tasksPerThread ?? 1000),
      ageMs: positive('threadAgeMs', options.threadAgeMs ?? 86_400_000),
      heapMb: positive('threadHeapMb', options.threadHeapMb ?? Math.ceil(maxOldGenerationMb * 0.75)),
    },
    nowMs: options.nowMs ?? (() => performance.now()),
    random: options.random ?? Math.random,
    stopDeadlineMs: positive('stopDeadlineMs', options.stopDeadlineMs ?? 5000),
  };
  const { queuedSignMs = 5_000 } = options;
  let completed = 0;
  let died = 0;
  let closed = false;
  const waiting: Waiting[] = [];
  const onDeath = () => {
    died += 1;
  };
  const threads = Array.from(
    { length: positive('threads', options.threads) },
    () => new ComputeThread(limits, onDeath),
  );
  const idle = [...threads];

  function free(thread: ComputeThread): void {
    const next = waiting.shift();
    if (next) next.start(thread);
    else idle.push(thread);
  }

  function thread(task: string, { signal, onProgress }: RunOnThread): Promise<ComputeThread> {
    if (closed) return Promise.reject(new ComputePoolClosedError(task));
    const ready = idle.pop();
    if (ready) return Promise.resolve(ready);
    return new Promise((resolve, reject) => {
      // a wait in the queue is no hang: without a sign of life the step's deadline would end it for a mere backlog
      const sign = setInterval(() => onProgress?.(0, 0), queuedSignMs);
      const forget = () => {
        clearInterval(sign);
        signal.removeEventListener('abort', abandon);
      };
      const abandon = () => {
        forget();
        waiting.splice(waiting.indexOf(entry), 1);
        reject(signal.reason);
      };
      const entry: Waiting = {
        task,
        start(given) {
          forget();
          resolve(given);
        },
        refuse(error) {
          forget();
          reject(error);
        },
      };
      signal.addEventListener('abort', abandon, { once: true });
      waiting.push(entry);
    });
  }

  return {
    async run(args, runOptions) {
      runOptions.signal.throwIfAborted();
      const given = await thread(args.task, runOptions);
      try {
        const finished = await given.run(args, runOptions);
        completed += 1;
        return finished;
      } catch (error) {
        if (closed) throw new ComputePoolClosedError(args.task);
        throw error;
      } finally {
        free(given);
      }
    },
    status: () => ({
      threads: threads.filter((each) => each.alive).length,
      queued: waiting.length,
      running: threads.length - idle.length,
      completed,
      died,
    }),
    async close() {
      closed = true;
      for (const entry of waiting.splice(0)) entry.refuse(new ComputePoolClosedError(entry.task));
      await Promise.all(threads.map((each) => each.close()));
    },
  };
}

function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`${name} must be a positive integer, not ${value}`);
  return value;
}

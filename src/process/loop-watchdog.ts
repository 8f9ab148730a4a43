/**
 * Notices a main thread that is stuck in code that never returns, which no deadline inside that thread can. The loop moves
 * a shared counter; a thread of its own (`watchdog-thread.ts`) looks at it. A loop that stands still for half of
 * `deadlineMs` is reported with its stack, for all of it the process is ended by SIGKILL: a thread cannot exit the
 * process otherwise, and the boot record names it a blocked loop.
 *
 * Time in which the thread itself did not run (SIGSTOP, a suspended machine, no CPU) counts for nothing. Cost: one timer of
 * `intervalMs` in each thread, and the memory of a small thread. When the thread cannot be started or fails, `onProblem`
 * hears it and the node goes on without.
 */
import { Worker } from 'node:worker_threads';
import { bootFilePath } from './boot-record.ts';
import type { WatchdogData } from './watchdog-thread.ts';

export interface WatchdogOptions {
  readonly stateDirectory: string;
  readonly intervalMs: number;
  /** 0: no watchdog. */
  readonly deadlineMs: number;
  readonly onProblem: (error: Error) => void;
}

export interface LoopWatchdog {
  /** Resolves when the thread has ended. Idempotent. */
  close(): Promise<void>;
}

export function watchLoop({ stateDirectory, intervalMs, deadlineMs, onProblem }: WatchdogOptions): LoopWatchdog {
  if (deadlineMs === 0) return { close: async () => {} };
  const turns = new Int32Array(new SharedArrayBuffer(4));
  const moving = setInterval(() => Atomics.add(turns, 0, 1), intervalMs / 2).unref();
  const workerData: WatchdogData = { turns, intervalMs, deadlineMs, bootFile: bootFilePath(stateDirectory) };
  const thread = new Worker(new URL('./watchdog-thread.ts', import.meta.url), {
    name: 'watchdog',
    workerData,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 },
  });
  thread.unref();
  thread.on('error', onProblem);
  return {
    async close() {
      clearInterval(moving);
      await thread.terminate();
    },
  };
}

/**
 * What a running task hears and tells: a shared flag that says "stop", looked at between chunks, and a port for progress.
 * The flag is shared memory, so a task that never returns to its event loop still sees it.
 */
import type { MessagePort } from 'node:worker_threads';
import type { PlainError } from './task-error.ts';

export interface TaskControl {
  /** Throws `TaskAbortedError` once the task was aborted. */
  throwIfAborted(): void;
  /** Cheap enough for every chunk: at most one message in 100 ms goes out. */
  progress(done: number, total: number): void;
}

/** Thrown inside the thread; the caller of the pool sees its own signal's reason instead. */
export class TaskAbortedError extends Error {
  override readonly name = 'TaskAbortedError';
}

/** What the pool posts to a thread. */
export interface TaskMessage<Args> {
  readonly args: Args;
  /** One Int32: not 0 means stop. */
  readonly stop: SharedArrayBuffer;
  /** Tells progress, and a result whose buffers move. */
  readonly port: MessagePort;
}

/** What a thread answers. Errors are values here, so that whatever rejects the pool's promise is the thread's own death. */
export type TaskAnswer = (
  | {
      readonly ok: true;
      /** Null also for one that came through the port. */
      readonly result: unknown;
      readonly startedAtMs: number;
      readonly durationMs: number;
      readonly thread: number;
    }
  | { readonly ok: false; readonly error: PlainError }
) & {
  /** In use in the thread's heap when the task had ended. */
  readonly heapMb: number;
};

/** What comes through a task's port. */
export type PortMessage = readonly [done: number, total: number] | { readonly moved: unknown };

const progressEveryMs = 100;

export function createTaskControl(stop: SharedArrayBuffer, port: MessagePort, now: () => number): TaskControl {
  const flag = new Int32Array(stop);
  let told = Number.NEGATIVE_INFINITY;
  return {
    throwIfAborted() {
      if (Atomics.load(flag, 0) !== 0) throw new TaskAbortedError('the task was aborted');
    },
    progress(done, total) {
      const at = now();
      if (at - told < progressEveryMs && done < total) return;
      told = at;
      port.postMessage([done, total]);
    },
  };
}

/**
 * The frame around a task on a pool thread: times it, gives it its control, and turns what it throws into an answer, since a
 * rejection is how the pool learns that a thread died.
 */
import { getHeapStatistics } from 'node:v8';
import { threadId } from 'node:worker_threads';
import { movesOf } from './moving.ts';
import { createTaskControl, type TaskAnswer, type TaskControl, type TaskMessage } from './task-control.ts';
import { plainError } from './task-error.ts';

export function threadEntry<Args>(run: (args: Args, control: TaskControl) => Promise<unknown>) {
  return async ({ args, stop, port }: TaskMessage<Args>): Promise<TaskAnswer> => {
    const startedAtMs = Date.now();
    const started = performance.now();
    try {
      const result = await run(args, createTaskControl(stop, port, performance.now.bind(performance)));
      const moves = movesOf(result);
      // before the answer: it is there when the answer is
      if (moves.length > 0) port.postMessage({ moved: result }, [...moves]);
      return {
        ok: true,
        result: moves.length > 0 ? null : result,
        startedAtMs,
        durationMs: performance.now() - started,
        thread: threadId,
        heapMb: heapMb(),
      };
    } catch (error) {
      return { ok: false, error: plainError(error), heapMb: heapMb() };
    } finally {
      port.close();
    }
  };
}

/** In use in this thread's own heap; a task's garbage counts until it is collected. */
function heapMb(): number {
  return getHeapStatistics().used_heap_size / 2 ** 20;
}

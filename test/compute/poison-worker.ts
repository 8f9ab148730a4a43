/**
 * A pool worker for tests: tasks that die, hang or lie, and the service's own tasks. A file named in `poisonFile` kills the
 * thread when it is decoded, as a poison record would.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import type { TaskControl } from '../../src/compute/task-control.ts';
import type { TaskArgs } from '../../src/compute/tasks/messages.ts';
import { runTask } from '../../src/compute/tasks/run-task.ts';
import { threadEntry } from '../../src/compute/worker-entry.ts';

export type PoisonArgs =
  | { task: 'echo'; value: unknown }
  | { task: 'exit' | 'out-of-memory' | 'endless' | 'unclonable' | 'stray-rejection' | 'disk-full' }
  | { task: 'until-stopped' }
  | { task: 'hoard'; megabytes: number }
  | { task: 'double'; numbers: Float64Array; moves: readonly ArrayBuffer[] }
  | { task: 'left-of-double' }
  | { task: 'poisoned'; poisonFile: string; inner: TaskArgs };

/** 64 KiB each. */
const hoarded: number[][] = [];
/** The arrays of this thread's last `double`. */
let doubled: readonly Float64Array[] = [];

export default threadEntry(async (args: PoisonArgs, control: TaskControl): Promise<unknown> => {
  switch (args.task) {
    case 'echo':
      return { value: args.value, threadId };
    case 'hoard':
      for (let piece = 0; piece < args.megabytes * 16; piece += 1) hoarded.push(new Array<number>(8_192).fill(piece));
      return { threadId };
    case 'double': {
      const numbers = args.numbers.map((number) => number * 2);
      doubled = [args.numbers, numbers];
      control.progress(1, 1);
      return { numbers, moves: [numbers.buffer] };
    }
    case 'left-of-double':
      return doubled.map(({ length }) => length);
    case 'exit':
      return process.exit(70);
    case 'out-of-memory': {
      // in small pieces: one that outgrows what V8 keeps in reserve at the limit ends the whole process
      let hoard: unknown = null;
      for (let piece = 0; ; piece += 1) hoard = { hoard, piece };
    }
    case 'endless':
      for (;;) control.progress(1, 2);
    case 'unclonable':
      return { method: () => 1 };
    case 'stray-rejection':
      void Promise.reject(new Error('nobody awaits me'));
      await turn();
      await turn();
      return 'too late';
    case 'disk-full':
      throw Object.assign(new Error('no space left on device', { cause: new TypeError('why') }), { code: 'ENOSPC' });
    case 'until-stopped':
      for (let step = 1; ; step += 1) {
        control.throwIfAborted();
        control.progress(step, Number.MAX_SAFE_INTEGER);
        await turn();
      }
    case 'poisoned':
      if ('path' in args.inner && args.inner.path === args.poisonFile) process.exit(1);
      return runTask(args.inner, control);
  }
});

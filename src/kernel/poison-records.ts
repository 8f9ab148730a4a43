/**
 * A pass that goes on although a record of the file ends the thread that works on it, or throws what nobody foresaw (F19). What
 * the threads were at is cut into records, halved until one of them alone does it, and the pass is made again without it: the
 * record is a fault with its offset and its reason.
 *
 * With more than `mostPoison` such records, or none that does it alone, the pass rejects with `PoisonedFileError`. Each try costs a thread,
 * some 30 ms and a range: 17 of them for 8 MiB; then the borders of the file's records are found in its order, on one thread.
 */
import { ComputePoolClosedError, ThreadDiedError } from '../compute/thread-died.ts';
import { maskText } from '../log/mask.ts';
import type { BytePart } from './byte-ranges.ts';
import { type RecordFault, shownOffset } from './csv/csv-slow.ts';
import type { KernelFile } from './messages.ts';
import type { RunKernelTask, RunOptions } from './side-by-side.ts';

/** A record that is passed over, and where the next one begins. */
export interface PoisonRecord {
  readonly fault: RecordFault;
  readonly next: number;
}

/** Threads end, and no record can be left out for it. */
export class PoisonedFileError extends Error {
  override readonly name = 'PoisonedFileError';
}

/** Threads failed at these parts of the file. */
export class FailedPartsError extends Error {
  override readonly name = 'FailedPartsError';
  readonly parts: readonly BytePart[];

  constructor(parts: readonly BytePart[], cause: unknown) {
    super('a thread of the pass failed', { cause });
    this.parts = parts;
  }
}

const mostPoison = 4;

/** What says something about the file or the machine as a whole; no record is to blame. */
const wholeErrors = new Set(['UnreadableFileError', 'SeenKeysFullError', 'TaskAbortedError', 'AbortError']);

export function blamesRecord(error: unknown): boolean {
  if (error instanceof ThreadDiedError) return true;
  if (!(error instanceof Error) || error instanceof ComputePoolClosedError) return false;
  return !wholeErrors.has(error.name) && (error as NodeJS.ErrnoException).code === undefined;
}

/** `attempt` makes the pass without some records, given in the order of the file. */
export async function withoutPoison<T>(
  file: KernelFile,
  run: RunKernelTask,
  options: RunOptions,
  attempt: (poison: readonly PoisonRecord[]) => Promise<T>,
): Promise<T> {
  const poison: PoisonRecord[] = [];
  for (;;) {
    try {
      return await attempt(poison);
    } catch (error) {
      if (!(error instanceof FailedPartsError)) throw error;
      options.signal.throwIfAborted();
      const found: PoisonRecord[] = [];
      for (const part of error.parts) {
        const one = await findPoison(file, part, run, options);
        if (one !== null && !poison.some(({ fault }) => fault.offset === one.fault.offset)) found.push(one);
      }
      if (found.length === 0) {
        const what = maskText((error.cause as Error).message);
        throw new PoisonedFileError(`no record alone does it, but ${what}`, { cause: error.cause });
      }
      poison.push(...found);
      if (poison.length > mostPoison) {
        const offsets = poison.map(({ fault }) => shownOffset(fault.offset)).join('; ');
        throw new PoisonedFileError(`more than ${mostPoison} records end the threads that read them, at ${offsets}`, {
          cause: error.cause,
        });
      }
      poison.sort((a, b) => a.fault.offset - b.fault.offset);
    }
  }
}

/** The first record of the part that alone ends its thread, or throws; null when none does. */
async function findPoison(
  file: KernelFile,
  { from, to }: BytePart,
  run: RunKernelTask,
  options: RunOptions,
): Promise<PoisonRecord | null> {
  const offsets = await run({ task: 'kernel-cut', file, from, to }, options);
  const failure = (first: number, end: number) =>
    probe(() => run({ task: 'kernel-probe', file, from: offsets[first]!, to: offsets[end]! }, options), options.signal);
  let first = 0;
  let last = offsets.length - 2;
  if (last < 0) return null;
  // the records up to `last` fail, those before `first` do not
  while (first < last) {
    const middle = Math.floor((first + last) / 2);
    if ((await failure(first, middle + 1)) !== null) last = middle;
    else first = middle + 1;
  }
  const failed = await failure(first, first + 1);
  if (failed === null) return null;
  const fault: RecordFault =
    failed instanceof ThreadDiedError
      ? { offset: offsets[first]!, code: 'killed-its-thread', field: null }
      : { offset: offsets[first]!, code: 'unexpected-error', field: null, reason: maskText(failed.message) };
  return { fault, next: offsets[first + 1]! };
}

/** What came instead of an end; null when it ended well. */
async function probe(run: () => Promise<unknown>, signal: AbortSignal): Promise<Error | null> {
  try {
    await run();
    return null;
  } catch (error) {
    signal.throwIfAborted();
    if (!blamesRecord(error)) throw error;
    return error as Error;
  }
}

/** Which records lost, from the keys that the threads of a pass met: across threads, without a table that they share. */
import type { KernelArgs, KernelResults, ThreadKeys } from '../messages.ts';

/** Runs tasks of one kind side by side. */
type InParallel = <A extends KernelArgs>(args: readonly A[]) => Promise<KernelResults[A['task']][]>;

/** Pairs: a record that lost, the one of its key that counts. The keys move to the threads and are not there afterwards. */
export async function lostInMemory(threads: readonly ThreadKeys[], inParallel: InParallel): Promise<Float64Array> {
  const tables = threads.map(({ slots }) => slots);
  const repeated = threads.map((each) => each.repeated);
  const moves = tables.map(({ buffer }) => buffer);
  const [wanted] = await inParallel([{ task: 'kernel-wanted' as const, tables, repeated, moves }]);
  const places = await inParallel(
    threads.map(({ log }) => ({
      task: 'kernel-places' as const,
      log,
      wanted: wanted!,
      moves: log.map(({ low }) => low.buffer),
    })),
  );
  if (wanted!.count === 0) return new Float64Array(0);
  const [lost] = await inParallel([{ task: 'kernel-lost' as const, count: wanted!.count, places }]);
  return lost!;
}

/** Which records lost, from the keys that the threads of a pass met: across threads, without a table that they share. */
import type { KernelArgs, KernelResults, ThreadKeys } from '../messages.ts';

/** Runs tasks of one kind side by side. */
type InParallel = <A extends KernelArgs>(args: readonly A[]) => Promise<KernelResults[A['task']][]>;

/** Pairs: a record that lost, the one of its key that counts. What there is to do with many of them is done on a thread. */
export async function lostInMemory(threads: readonly ThreadKeys[], inParallel: InParallel): Promise<Float64Array> {
  const tables = threads.flatMap(({ slots: one }, index) =>
    threads.slice(0, index).map(({ slots: other }) => ({ task: 'kernel-common' as const, one, other })),
  );
  const common = await inParallel(tables);
  const keys = [...threads.map(({ repeated }) => repeated), ...common];
  if (keys.every(({ length }) => length === 0)) return new Float64Array(0);
  const [wanted] = await inParallel([{ task: 'kernel-wanted' as const, keys }]);
  const places = await inParallel(threads.map(({ log }) => ({ task: 'kernel-places' as const, log, wanted: wanted! })));
  const [lost] = await inParallel([{ task: 'kernel-lost' as const, count: wanted!.count, places }]);
  return lost!;
}

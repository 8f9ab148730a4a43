/** The kernel's tasks on a pool thread. */
import type { TaskControl } from '../compute/task-control.ts';
import { fuse, lostPairs } from './fuse.ts';
import type { KernelArgs, KernelFile, KernelRanges, KernelResults } from './messages.ts';
import { RangePass } from './range-pass.ts';
import type { LostRecord } from './seen-keys.ts';
import { settle } from './settle.ts';
import { lostInPartition } from './spilled-keys.ts';

export async function runKernelTask(
  args: KernelArgs,
  control: TaskControl,
): Promise<KernelResults[KernelArgs['task']]> {
  switch (args.task) {
    case 'kernel-fuse':
      return fuse(args, control);
    case 'kernel-borders':
      return findBorders(args.file, args.ranges, control);
    case 'kernel-partitions':
      return lostInPartitions(args.directory, args.from, args.to, control);
    case 'kernel-settle':
      return settle(args, control);
  }
}

/** Where each range's first record begins, found in the order of the file. */
function findBorders(file: KernelFile, ranges: KernelRanges, control: TaskControl): null {
  const pass = new RangePass(file, ranges, control, { batch() {}, fault() {}, rangeEnded() {} });
  try {
    pass.runInOrder();
  } finally {
    pass.close();
  }
  return null;
}

function lostInPartitions(directory: string, from: number, to: number, control: TaskControl): Float64Array {
  const lost: LostRecord[] = [];
  for (let partition = from; partition < to; partition += 1) {
    control.throwIfAborted();
    for (const one of lostInPartition(directory, partition)) lost.push(one);
  }
  return lostPairs(lost);
}

/** The kernel's tasks on a pool thread. */
import { release } from '../compute/moving.ts';
import type { TaskControl } from '../compute/task-control.ts';
import { cutRecords, probeRecords } from './csv/cut-records.ts';
import { fuse } from './fuse.ts';
import { inOrder } from './keys/in-order.ts';
import { giveBack, wantedPlaces } from './keys/key-log.ts';
import { commonKeys } from './keys/seen-keys.ts';
import { lostInPartition } from './keys/spilled-keys.ts';
import { lostPairs, WantedKeys, wantedTables } from './keys/wanted-keys.ts';
import type { KernelArgs, KernelFile, KernelRanges, KernelResults } from './messages.ts';
import { RangePass } from './range-pass.ts';
import { batchRater, type RaterOf } from './rating/batch-rater.ts';
import { mergeSlabs } from './totals/merged-slab.ts';
import { settle } from './totals/settle.ts';

/** Another `raterOf` is for tests of what a rater may do to its thread. */
export async function runKernelTask(
  args: KernelArgs,
  control: TaskControl,
  raterOf: RaterOf = batchRater,
): Promise<KernelResults[KernelArgs['task']]> {
  switch (args.task) {
    case 'kernel-fuse':
      return fuse(args, raterOf(args.file), control);
    case 'kernel-borders':
      return findBorders(args.file, args.ranges, control);
    case 'kernel-wanted':
      return findWanted(args);
    case 'kernel-places':
      return findPlaces(args);
    case 'kernel-lost':
      return inOrder([lostPairs(args.count, args.places)]);
    case 'kernel-in-order':
      return inOrder(args.pairs);
    case 'kernel-merge':
      return mergeSlabs(args.kinds, args.slabs);
    case 'kernel-partitions':
      return lostInPartitions(args.directory, args.from, args.to, control);
    case 'kernel-cut':
      return cutRecords(args, control);
    case 'kernel-probe':
      return probeRecords(args.file, raterOf(args.file).rate, args.from, args.to, control);
    case 'kernel-settle':
      return settle(args, raterOf(args.file), control);
  }
}

function findWanted({ tables, repeated }: KernelArgs & { readonly task: 'kernel-wanted' }) {
  const common = commonKeys(tables);
  release(tables.map(({ buffer }) => buffer));
  return wantedTables([...repeated, common]);
}

function findPlaces({ log, wanted }: KernelArgs & { readonly task: 'kernel-places' }): Float64Array {
  const places = wanted.count === 0 ? [] : wantedPlaces(log, new WantedKeys(wanted));
  giveBack(log);
  return Float64Array.from(places);
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
  const lost: Float64Array[] = [];
  for (let partition = from; partition < to; partition += 1) {
    control.throwIfAborted();
    lost.push(lostInPartition(directory, partition));
  }
  return joined(lost);
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

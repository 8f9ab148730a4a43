/**
 * The fused pass of one thread: decode, note the keys, rate, total, batch by batch, range by range. Every record is added to
 * the slab; which of several with one key counts is known when all ranges are through, and those that lost are taken out again
 * (settle.ts). Memory: a window, a batch, the slab, and what is noted of losers and faults.
 */
import type { TaskControl } from '../compute/task-control.ts';
import { batchRater } from './batch-rater.ts';
import type { RecordFault } from './csv-slow.ts';
import type { FuseResult, KernelArgs } from './messages.ts';
import { mostFaults } from './messages.ts';
import { RangePass } from './range-pass.ts';
import { type LostRecord, SeenKeys } from './seen-keys.ts';
import { KeySpill } from './spilled-keys.ts';
import { TotalsSlab } from './totals-slab.ts';

type FuseArgs = KernelArgs & { readonly task: 'kernel-fuse' };

export function fuse({ file, dedup, ranges }: FuseArgs, control: TaskControl): FuseResult {
  const rate = batchRater(file);
  const slab = new TotalsSlab(file.columns.kinds.length);
  const seen = dedup.by === 'memory' ? new SeenKeys(dedup.tables) : null;
  const spill = dedup.by === 'spill' ? new KeySpill(dedup.directory, dedup.partitions) : null;
  const faults: RecordFault[] = [];
  let faultCount = 0;
  const pass = new RangePass(file, ranges, control, {
    batch(batch, bytes) {
      if (seen !== null) seen.note(batch);
      else spill!.note(batch);
      rate(batch, bytes);
      slab.addBatch(batch, 1);
    },
    fault(fault) {
      faultCount += 1;
      if (faults.length < mostFaults) faults.push(fault);
    },
    rangeEnded: () => spill?.flush(),
  });
  try {
    pass.run();
  } finally {
    pass.close();
  }
  return { slab: slab.tables(), lost: lostPairs(seen?.lost ?? []), faults, faultCount };
}

/** Pairs of offsets, as tasks pass them on. */
export function lostPairs(lost: readonly LostRecord[]): Float64Array {
  const pairs = new Float64Array(lost.length * 2);
  for (let index = 0; index < lost.length; index += 1) {
    pairs[index * 2] = lost[index]!.offset;
    pairs[index * 2 + 1] = lost[index]!.toOffset;
  }
  return pairs;
}

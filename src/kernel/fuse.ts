/**
 * The fused pass of one thread: decode, note the keys, rate, total, batch by batch, range by range. Every record is added to
 * the slab; which of several with one key counts is known when all ranges are through, and those that lost are taken out again
 * (totals/settle.ts). Memory: a window, a batch, the slab, and what is noted of keys and faults.
 */
import type { TaskControl } from '../compute/task-control.ts';
import type { RecordFault } from './csv/csv-slow.ts';
import { dropImpossibleStarts } from './csv/possible-starts.ts';
import { KeyLog } from './keys/key-log.ts';
import { SeenKeys } from './keys/seen-keys.ts';
import { KeySpill } from './keys/spilled-keys.ts';
import type { FuseResult, KernelArgs } from './messages.ts';
import { mostFaults } from './messages.ts';
import { RangePass } from './range-pass.ts';
import type { FileRater } from './rating/batch-rater.ts';
import { UnratedCounts } from './rating/unrated-reasons.ts';
import { TotalsSlab } from './totals/totals-slab.ts';

type FuseArgs = KernelArgs & { readonly task: 'kernel-fuse' };

export function fuse(
  { file, dedup, ranges }: FuseArgs,
  { rate, reasonOf }: FileRater,
  control: TaskControl,
): FuseResult {
  const slab = new TotalsSlab(file.columns.kinds.length);
  const unrated = new UnratedCounts(reasonOf);
  const seen = dedup.by === 'memory' ? new SeenKeys(dedup.expected, dedup.mostBytes) : null;
  const log = new KeyLog();
  const spill = dedup.by === 'spill' ? new KeySpill(dedup.directory, dedup.partitions) : null;
  const faults: RecordFault[] = [];
  let faultCount = 0;
  const fault = (one: RecordFault) => {
    faultCount += 1;
    if (faults.length < mostFaults) faults.push(one);
  };
  const pass = new RangePass(file, ranges, control, {
    batch(batch, bytes) {
      dropImpossibleStarts(batch, fault);
      if (batch.rows === 0) return;
      if (seen !== null) {
        seen.note(batch);
        log.note(batch);
      } else {
        spill!.note(batch);
      }
      rate(batch, bytes);
      slab.addBatch(batch, 1);
      unrated.addBatch(batch, bytes, 1);
    },
    fault,
    rangeEnded: () => spill?.flush(),
  });
  try {
    pass.run();
  } finally {
    pass.close();
  }
  const keys = seen === null ? null : { slots: seen.slots, repeated: Int32Array.from(seen.repeated), log: log.parts };
  const tables = slab.tables();
  const moves = [
    tables.rows.buffer,
    ...(seen === null ? [] : [seen.slots.buffer]),
    ...log.parts.map(({ low }) => low.buffer),
  ];
  return { slab: tables, unrated: unrated.list(), keys, faults, faultCount, moves };
}

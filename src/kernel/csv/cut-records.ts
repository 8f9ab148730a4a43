/**
 * The two tasks that find the record which ends its thread (../poison-records.ts): cutting a part of the file into records without
 * reading any, and reading and rating a run of records for nothing but the proof that it can be done.
 */
import type { TaskControl } from '../../compute/task-control.ts';
import { byteRanges } from '../byte-ranges.ts';
import type { CutArgs, KernelFile } from '../messages.ts';
import { RangePass } from '../range-pass.ts';
import type { BatchRater } from '../rating/price-list.ts';
import { ChunkWindow } from './chunk-window.ts';
import { SlowRecords, shownOffset } from './csv-slow.ts';
import { dropImpossibleStarts } from './possible-starts.ts';
import { UnreadableFileError } from './usage-reader.ts';

export function cutRecords({ file, from, to }: CutArgs, control: TaskControl): Float64Array {
  const window = new ChunkWindow(file.path, file.bytes);
  const slow = new SlowRecords(file.columns);
  const found: number[] = [];
  let at = 0;
  try {
    window.seek(file.firstRecord);
    while (window.base + at < to) {
      const next = at < window.end ? slow.read(window.bytes, at, window.end, window.last) : -1;
      if (next < 0) {
        control.throwIfAborted();
        control.progress(window.base + at, to);
        window.advance(at);
        at = 0;
        continue;
      }
      if (slow.endless) throw new UnreadableFileError(`the line at byte ${shownOffset(window.base + at)} has no end`);
      if (window.base + at >= from) found.push(window.base + at);
      at = next;
    }
  } finally {
    window.close();
  }
  found.push(window.base + at);
  return Float64Array.from(found);
}

/** Throws, or ends the thread, when one of the records from `from` to `to` does. */
export function probeRecords(file: KernelFile, rate: BatchRater, from: number, to: number, control: TaskControl): null {
  const part = { ...file, firstRecord: from, bytes: to };
  const pass = new RangePass(part, byteRanges(to, to, null), control, {
    batch(batch, bytes) {
      dropImpossibleStarts(batch, () => {});
      rate(batch, bytes);
    },
    fault() {},
    rangeEnded() {},
  });
  try {
    pass.run();
  } finally {
    pass.close();
  }
  return null;
}

/** The byte ranges that the threads of a pass take, and which of them were begun and not ended. */
import type { KernelFile, KernelRanges } from './messages.ts';

/** Null `starts`: where a range's first record begins is guessed. */
export function byteRanges(bytes: number, rangeBytes: number, starts: Float64Array | null): KernelRanges {
  const count = Math.max(1, Math.ceil(bytes / rangeBytes));
  const shared = () => new Float64Array(new SharedArrayBuffer(count * 8));
  const ranges = {
    rangeBytes,
    count,
    next: new Int32Array(new SharedArrayBuffer(4)),
    starts: shared(),
    ends: shared(),
    exact: starts !== null,
    doneKb: new Int32Array(new SharedArrayBuffer(4)),
  };
  if (starts !== null) ranges.starts.set(starts);
  return ranges;
}

export interface BytePart {
  readonly from: number;
  readonly to: number;
}

/** What threads were at when they ended, in the order of the file; records that begin in it are to be looked at. */
export function unfinished({ rangeBytes, count, next, ends }: KernelRanges, file: KernelFile): BytePart[] {
  const parts: BytePart[] = [];
  for (let range = 0; range < Math.min(count, next[0]!); range += 1) {
    if (ends[range] !== 0) continue;
    const from = Math.max(file.firstRecord, range * rangeBytes);
    const to = range === count - 1 ? file.bytes : (range + 1) * rangeBytes;
    if (from < to) parts.push({ from, to });
  }
  return parts;
}

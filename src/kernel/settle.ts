/**
 * Takes the records that lost against a later one of the same key out of the totals: each is read again at its offset, rated
 * again and summed with the opposite sign. It also says which of them differ from the record that counts.
 */
import type { TaskControl } from '../compute/task-control.ts';
import type { FileRater } from './batch-rater.ts';
import { ChunkWindow } from './chunk-window.ts';
import { SlowRecords } from './csv-slow.ts';
import { type KernelArgs, mostFaults, type SettleResult } from './messages.ts';
import { TotalsSlab } from './totals-slab.ts';
import { UnratedCounts } from './unrated-reasons.ts';
import type { UsageColumns } from './usage-layout.ts';
import { longestRecord, usageReader } from './usage-reader.ts';

type SettleArgs = KernelArgs & { readonly task: 'kernel-settle' };

/** Most records end within this; the others are read again whole. */
const usualRecord = 1024;
const abortEvery = 256;

export function settle({ file, lost }: SettleArgs, { rate, reasonOf }: FileRater, control: TaskControl): SettleResult {
  const slab = new TotalsSlab(file.columns.kinds.length);
  const unrated = new UnratedCounts(reasonOf);
  const reader = usageReader(file.columns);
  const one = new OneRecord(file.path, file.bytes, file.columns);
  const other = new OneRecord(file.path, file.bytes, file.columns);
  const conflicts: number[] = [];
  let conflictCount = 0;
  try {
    for (let index = 0; index < lost.length; index += 2) {
      if (index % abortEvery === 0) control.throwIfAborted();
      const text = one.read(lost[index]!);
      const { bytes, view, base, end, last } = one.window;
      reader.read(bytes, view, 0, 1, end, base, last);
      if (reader.batch.rows !== 1)
        throw new Error(`the record at byte ${base} is not what it was; did the file change?`);
      rate(reader.batch, bytes);
      slab.addBatch(reader.batch, -1);
      unrated.addBatch(reader.batch, bytes, -1);
      reader.batch.rows = 0;
      if (text.equals(other.read(lost[index + 1]!))) continue;
      conflictCount += 1;
      if (conflicts.length < mostFaults) conflicts.push(lost[index]!);
    }
  } finally {
    one.close();
    other.close();
  }
  return { slab: slab.tables(), unrated: unrated.list(), conflicts, conflictCount };
}

/** Reads single records; the bytes hold until the next `read`. */
class OneRecord {
  readonly #small: ChunkWindow;
  readonly #large: ChunkWindow;
  readonly #records: SlowRecords;
  window: ChunkWindow;

  constructor(path: string, size: number, columns: UsageColumns) {
    this.#small = new ChunkWindow(path, size, usualRecord);
    this.#large = new ChunkWindow(path, size, longestRecord);
    this.#records = new SlowRecords(columns);
    this.window = this.#small;
  }

  /** The record's bytes without its line end. */
  read(offset: number): Buffer {
    for (const window of [this.#small, this.#large]) {
      window.seek(offset);
      this.window = window;
      const { bytes, end, last } = window;
      if (this.#records.read(bytes, 0, end, last) >= 0) return bytes.subarray(0, this.#records.end);
    }
    throw new Error(`the record at byte ${offset} has no end; did the file change?`);
  }

  close(): void {
    this.#small.close();
    this.#large.close();
  }
}

/**
 * Takes the records that lost against a later one of the same key out of the totals: each is read again at its offset, rated
 * again and summed with the opposite sign. It also says which of them differ from the record that counts.
 */
import type { TaskControl } from '../compute/task-control.ts';
import { batchRater } from './batch-rater.ts';
import { ChunkWindow } from './chunk-window.ts';
import { splitRecord } from './csv-slow.ts';
import type { KernelArgs, SettleResult } from './messages.ts';
import { TotalsSlab } from './totals-slab.ts';
import { longestRecord, usageReader } from './usage-reader.ts';

type SettleArgs = KernelArgs & { readonly task: 'kernel-settle' };

/** Most records end within this; the others are read again whole. */
const usualRecord = 1024;
const abortEvery = 256;

export function settle({ file, lost }: SettleArgs, control: TaskControl): SettleResult {
  const rate = batchRater(file);
  const slab = new TotalsSlab(file.columns.kinds.length);
  const reader = usageReader(file.columns);
  const one = new OneRecord(file.path, file.bytes, file.columns.delimiter);
  const other = new OneRecord(file.path, file.bytes, file.columns.delimiter);
  const conflicts: number[] = [];
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
      reader.batch.rows = 0;
      if (!text.equals(other.read(lost[index + 1]!))) conflicts.push(lost[index]!);
    }
  } finally {
    one.close();
    other.close();
  }
  return { slab: slab.tables(), conflicts };
}

/** Reads single records; the bytes hold until the next `read`. */
class OneRecord {
  readonly #small: ChunkWindow;
  readonly #large: ChunkWindow;
  readonly #delimiter: number;
  window: ChunkWindow;

  constructor(path: string, size: number, delimiter: number) {
    this.#small = new ChunkWindow(path, size, usualRecord);
    this.#large = new ChunkWindow(path, size, longestRecord);
    this.#delimiter = delimiter;
    this.window = this.#small;
  }

  /** The record's bytes without its line end. */
  read(offset: number): Buffer {
    for (const window of [this.#small, this.#large]) {
      window.seek(offset);
      this.window = window;
      const record = splitRecord(window.bytes, 0, window.end, window.last, this.#delimiter);
      if (record !== null) return withoutLineEnd(window.bytes.subarray(0, record.next));
    }
    throw new Error(`the record at byte ${offset} has no end; did the file change?`);
  }

  close(): void {
    this.#small.close();
    this.#large.close();
  }
}

function withoutLineEnd(record: Buffer): Buffer {
  let end = record.length;
  if (record[end - 1] === 10) end -= 1;
  if (record[end - 1] === 13) end -= 1;
  return record.subarray(0, end);
}

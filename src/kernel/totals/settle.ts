/**
 * Takes the records that lost against a later one of the same key out of the totals: each is read again at its offset, rated
 * again and summed with the opposite sign. It also says which of them differ from the record that counts.
 */
import type { TaskControl } from '../../compute/task-control.ts';
import { ChunkWindow } from '../csv/chunk-window.ts';
import { longestRecord, type UsageReader, usageReader } from '../csv/usage-reader.ts';
import { type KernelArgs, type KernelFile, mostFaults, type SettleResult } from '../messages.ts';
import type { FileRater } from '../rating/batch-rater.ts';
import { UnratedCounts } from '../rating/unrated-reasons.ts';
import type { UsageBatch } from '../usage-batch.ts';
import { TotalsSlab } from './totals-slab.ts';

type SettleArgs = KernelArgs & { readonly task: 'kernel-settle' };

/** Most records end within the first of these: to read a record takes as long as to find it. Longer ones are read again. */
const readBytes = [256, 2048, longestRecord] as const;
const abortEvery = 256;

export function settle({ file, lost }: SettleArgs, { rate, reasonOf }: FileRater, control: TaskControl): SettleResult {
  const slab = new TotalsSlab(file.columns.kinds.length);
  const unrated = new UnratedCounts(reasonOf);
  const one = new OneRecord(file);
  const other = new OneRecord(file);
  const conflicts: number[] = [];
  let conflictCount = 0;
  try {
    for (let index = 0; index < lost.length; index += 2) {
      if (index % abortEvery === 0) control.throwIfAborted();
      const text = one.read(lost[index]!);
      rate(one.batch, text);
      slab.addBatch(one.batch, -1);
      unrated.addBatch(one.batch, text, -1);
      if (text.equals(other.read(lost[index + 1]!))) continue;
      conflictCount += 1;
      if (conflicts.length < mostFaults) conflicts.push(lost[index]!);
    }
  } finally {
    one.close();
    other.close();
  }
  const tables = slab.tables();
  return { slab: tables, unrated: unrated.list(), conflicts, conflictCount, moves: [tables.rows.buffer] };
}

/** Reads single records. The bytes hold until the next `read`; the batch is the thread's, and holds until anybody reads. */
class OneRecord {
  readonly #windows: readonly ChunkWindow[];
  readonly #reader: UsageReader;

  constructor({ path, bytes, columns }: KernelFile) {
    this.#windows = readBytes.map((size) => new ChunkWindow(path, bytes, size));
    this.#reader = usageReader(columns);
  }

  get batch(): UsageBatch {
    return this.#reader.batch;
  }

  /** The record's bytes without its line end, and the record as the batch's only one. */
  read(offset: number): Buffer {
    const reader = this.#reader;
    for (const window of this.#windows) {
      window.seek(offset);
      reader.batch.rows = 0;
      const { bytes, view, base, end, last } = window;
      const next = reader.read(bytes, view, 0, 1, end, base, last);
      if (reader.batch.rows === 1) return withoutLineEnd(bytes.subarray(0, next));
      if (!reader.starved) break;
    }
    throw new Error(`the record at byte ${offset} is not what it was; did the file change?`);
  }

  close(): void {
    for (const window of this.#windows) window.close();
  }
}

function withoutLineEnd(record: Buffer): Buffer {
  let end = record.length;
  if (record[end - 1] === 10) end -= 1;
  if (record[end - 1] === 13) end -= 1;
  return record.subarray(0, end);
}

/**
 * One thread's walk over byte ranges of a file. A range's records are those that begin in it; where its first one begins is
 * guessed (behind a line end, followed by two records without fault), since a quoted field may hold line ends and even whole
 * lines. The guess is checked afterwards: the range before must have ended there (`brokenBorder`).
 */
import type { TaskControl } from '../compute/task-control.ts';
import { ChunkWindow } from './csv/chunk-window.ts';
import type { RecordFault } from './csv/csv-slow.ts';
import { type UsageReader, usageReader } from './csv/usage-reader.ts';
import type { KernelFile, KernelRanges } from './messages.ts';
import type { UsageBatch } from './usage-batch.ts';

const newline = 10;

export interface RangeSink {
  /** Works the batch off; its texts are in `bytes`. */
  batch(batch: UsageBatch, bytes: Buffer): void;
  fault(fault: RecordFault): void;
  /** A range is through. */
  rangeEnded(): void;
}

export class RangePass {
  readonly #file: KernelFile;
  readonly #ranges: KernelRanges;
  readonly #control: TaskControl;
  readonly #sink: RangeSink;
  readonly #reader: UsageReader;
  readonly #window: ChunkWindow;

  constructor(file: KernelFile, ranges: KernelRanges, control: TaskControl, sink: RangeSink) {
    this.#file = file;
    this.#ranges = ranges;
    this.#control = control;
    this.#sink = sink;
    this.#reader = usageReader(file.columns);
    this.#window = new ChunkWindow(file.path, file.bytes);
  }

  /** Takes ranges until none is left. */
  run(): void {
    const { next, count, starts, exact } = this.#ranges;
    for (;;) {
      const range = Atomics.add(next, 0, 1);
      if (range >= count) return;
      this.#control.throwIfAborted();
      const from = range === 0 ? this.#file.firstRecord : exact ? starts[range]! : this.#guessStart(range);
      this.#walk(range, from);
      this.#sink.rangeEnded();
    }
  }

  /** Walks all ranges one after the other, so that each begins where the one before ended; nothing is guessed. */
  runInOrder(): void {
    let from = this.#file.firstRecord;
    for (let range = 0; range < this.#ranges.count; range += 1) from = this.#walk(range, from);
  }

  close(): void {
    this.#window.close();
  }

  #walk(range: number, from: number): number {
    const { rangeBytes, count, starts, ends, doneKb } = this.#ranges;
    const stop = range === count - 1 ? this.#file.bytes : (range + 1) * rangeBytes;
    const window = this.#window;
    const reader = this.#reader;
    let at = 0;
    starts[range] = from;
    window.seek(from);
    while (window.base + at < stop) {
      const { bytes, view, base, end, last } = window;
      at = reader.read(bytes, view, at, Math.min(stop - base, end), end, base, last);
      for (const fault of reader.faults) this.#sink.fault(fault);
      if (reader.batch.rows > 0) this.#sink.batch(reader.batch, bytes);
      reader.batch.rows = 0;
      if ((reader.starved || at >= end) && base + at < stop) {
        this.#control.throwIfAborted();
        const kb = Atomics.add(doneKb, 0, at >> 10) + (at >> 10);
        this.#control.progress(Math.min(kb * 1024, this.#file.bytes - 1), this.#file.bytes);
        window.advance(at);
        at = 0;
      }
    }
    ends[range] = window.base + at;
    return window.base + at;
  }

  #guessStart(range: number): number {
    const cut = range * this.#ranges.rangeBytes;
    const window = this.#window;
    window.seek(cut - 1);
    const { bytes, end, base } = window;
    let first = -1;
    for (let at = bytes.indexOf(newline); at >= 0 && at < end; at = bytes.indexOf(newline, at + 1)) {
      if (first < 0) first = at + 1;
      if (this.#isPlausible(at + 1)) return base + at + 1;
    }
    return base + (first < 0 ? end : first);
  }

  #isPlausible(from: number): boolean {
    const { bytes, view, base, end, last } = this.#window;
    const { batch, faults } = this.#reader;
    let at = from;
    for (let record = 0; record < 2 && at < end; record += 1) {
      at = this.#reader.read(bytes, view, at, at + 1, end, base, last);
      const taken = batch.rows === 1 && faults.length === 0;
      batch.rows = 0;
      if (!taken) return false;
    }
    return true;
  }
}

/** The first range whose guessed start is not where the one before ended; -1 when all are right. */
export function brokenBorder({ starts, ends, count }: KernelRanges): number {
  for (let range = 1; range < count; range += 1) if (starts[range] !== ends[range - 1]) return range;
  return -1;
}

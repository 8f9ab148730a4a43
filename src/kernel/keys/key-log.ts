/**
 * Every record's key and where the record stands, in the order in which a thread met them: twelve bytes a record, only ever
 * appended to. It is read when keys were met more than once, to find their records; files mostly have few of them or none.
 *
 * Parts move between threads and have one owner. A thread keeps some that it has read for its next file: new memory is filled with
 * zeros page by page, which costs more than noting does. The others are given back at once.
 */
import { release } from '../../compute/moving.ts';
import { batchRows, type UsageBatch } from '../usage-batch.ts';
import type { WantedKeys } from './wanted-keys.ts';

const partRows = 128 * batchRows;
export const bytesPerEntry = 12;

/** Of this thread, read and not in use: 16 MB at most. */
const kept: KeyLogPart[] = [];
const mostKept = 20;

/** Its arrays are of one buffer. */
export interface KeyLogPart {
  readonly low: Int32Array<ArrayBuffer>;
  readonly high: Int32Array<ArrayBuffer>;
  /** Behind the base of its batch. */
  readonly delta: Uint32Array<ArrayBuffer>;
  /** Where each batch ends in the arrays, and the offset of its first record. */
  readonly ends: number[];
  readonly bases: number[];
}

export class KeyLog {
  readonly parts: KeyLogPart[] = [];
  #rows = partRows;

  get bytes(): number {
    return this.parts.length * partRows * bytesPerEntry;
  }

  note(batch: UsageBatch): void {
    const { rows, keyHigh, keyLow, offset } = batch;
    if (this.#rows + rows > partRows) {
      this.parts.push(kept.pop() ?? emptyPart());
      this.#rows = 0;
    }
    const { low, high, delta, ends, bases } = this.parts.at(-1)!;
    const base = offset[0]!;
    const from = this.#rows;
    low.set(rows === batchRows ? keyLow : keyLow.subarray(0, rows), from);
    high.set(rows === batchRows ? keyHigh : keyHigh.subarray(0, rows), from);
    for (let row = 0; row < rows; row += 1) delta[from + row] = offset[row]! - base;
    this.#rows += rows;
    ends.push(this.#rows);
    bases.push(base);
  }
}

/** The records of wanted keys: pairs of the key's number and the record's offset. */
export function wantedPlaces(parts: readonly KeyLogPart[], wanted: WantedKeys): number[] {
  const places: number[] = [];
  for (const { low, high, delta, ends, bases } of parts) {
    let from = 0;
    for (const [batch, end] of ends.entries()) {
      const base = bases[batch]!;
      wanted.eachIn(high, low, from, end, (number, row) => places.push(number, base + delta[row]!));
      from = end;
    }
  }
  return places;
}

/** Of a log that nobody reads again. */
export function giveBack(parts: readonly KeyLogPart[]): void {
  for (const { low, high, delta } of parts) {
    if (kept.length < mostKept) kept.push({ low, high, delta, ends: [], bases: [] });
    else release([low.buffer]);
  }
}

function emptyPart(): KeyLogPart {
  const buffer = new ArrayBuffer(partRows * bytesPerEntry);
  return {
    low: new Int32Array(buffer, 0, partRows),
    high: new Int32Array(buffer, partRows * 4, partRows),
    delta: new Uint32Array(buffer, partRows * 8, partRows),
    ends: [],
    bases: [],
  };
}

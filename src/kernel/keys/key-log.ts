/**
 * Every record's key and where the record stands, in the order in which a thread met them: twelve bytes a record, only ever
 * appended to. It is read when keys were met more than once, to find their records; files mostly have few of them or none.
 */
import { batchRows, type UsageBatch } from '../usage-batch.ts';
import type { WantedKeys } from './wanted-keys.ts';

const partRows = 128 * batchRows;
export const bytesPerEntry = 12;

/** Shared with threads as it is. */
export interface KeyLogPart {
  readonly low: Int32Array<SharedArrayBuffer>;
  readonly high: Int32Array<SharedArrayBuffer>;
  /** Behind the base of its batch. */
  readonly delta: Uint32Array<SharedArrayBuffer>;
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
      this.parts.push(emptyPart());
      this.#rows = 0;
    }
    const { low, high, delta, ends, bases } = this.parts.at(-1)!;
    const base = offset[0]!;
    const from = this.#rows;
    for (let row = 0; row < rows; row += 1) {
      low[from + row] = keyLow[row]!;
      high[from + row] = keyHigh[row]!;
      delta[from + row] = offset[row]! - base;
    }
    this.#rows += rows;
    ends.push(this.#rows);
    bases.push(base);
  }
}

/** The records of wanted keys: pairs of the key's number and the record's offset. */
export function wantedPlaces(parts: readonly KeyLogPart[], wanted: WantedKeys): number[] {
  const places: number[] = [];
  for (const { low, high, delta, ends, bases } of parts) {
    for (let batch = 0, row = 0; batch < ends.length; batch += 1) {
      for (const end = ends[batch]!; row < end; row += 1) {
        const number = wanted.numberOf(high[row]!, low[row]!);
        if (number >= 0) places.push(number, bases[batch]! + delta[row]!);
      }
    }
  }
  return places;
}

function emptyPart(): KeyLogPart {
  const shared = () => new SharedArrayBuffer(partRows * 4);
  return {
    low: new Int32Array(shared()),
    high: new Int32Array(shared()),
    delta: new Uint32Array(shared()),
    ends: [],
    bases: [],
  };
}

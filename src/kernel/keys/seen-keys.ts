/**
 * Which record keys one thread has met. Keys are unsigned 64-bit integers; 32 neighbours share a slot of an open-addressing
 * table: the upper 59 bits and a bit for each of them. Files hold their keys mostly in order, so the table of two million
 * records is some hundred kilobytes and stays in the processor's cache; of keys without any order each takes a slot of its own.
 *
 * A thread notes into a table of its own, without a lock or a fence. Which keys several threads met is found when all are
 * through, by laying one table over the other (`commonKeys`). Where the records of a key stand is not here (key-log.ts).
 */
import type { UsageBatch } from '../usage-batch.ts';

/** Keys would take more memory than was given; they have to go to disk. */
export class SeenKeysFullError extends Error {
  override readonly name = 'SeenKeysFullError';
}

/** Three words a slot: the upper 59 bits in two words, then the bits of the keys; no bit set: a free slot. */
export type KeySlots = Int32Array<ArrayBuffer>;

const words = 3;
const slotBytes = words * Int32Array.BYTES_PER_ELEMENT;
const fewestSlots = 4096;
/** Of a table that is two thirds full. */
export const mostBytesPerKey = slotBytes * 1.5;

export class SeenKeys {
  readonly #expected: number;
  readonly #mostBytes: number;
  #slots: KeySlots;
  #used = 0;
  #noted = 0;
  readonly #repeated: number[] = [];

  /** `expected` records, rather too few than too many: the table grows. `mostBytes` is what it may take. */
  constructor(expected: number, mostBytes: number) {
    this.#expected = expected;
    this.#mostBytes = mostBytes;
    this.#slots = emptySlots(Math.min(slotsFor(expected / 32), slotsWithin(mostBytes)));
  }

  get slots(): KeySlots {
    return this.#slots;
  }

  /** Keys that were noted again, high and low word of each, once for each time. */
  get repeated(): readonly number[] {
    return this.#repeated;
  }

  /** Notes every record of the batch. Throws `SeenKeysFullError`. */
  note(batch: UsageBatch): void {
    const { rows, keyHigh, keyLow } = batch;
    if (isFull(this.#used + rows, this.#slots)) this.#grow(rows);
    const slots = this.#slots;
    const mask = slots.length / words - 1;
    let used = this.#used;
    for (let row = 0; row < rows; row += 1) {
      const low = keyLow[row]!;
      const high = keyHigh[row]!;
      const bit = 1 << (low & 31);
      const upperLow = (low >>> 5) | (high << 27);
      const upperHigh = high >>> 5;
      let slot = slotOf(upperHigh, upperLow, mask);
      for (;;) {
        const at = slot * words;
        const bits = slots[at + 2]!;
        if (bits === 0) {
          slots[at] = upperLow;
          slots[at + 1] = upperHigh;
          slots[at + 2] = bit;
          used += 1;
          break;
        }
        if (slots[at] === upperLow && slots[at + 1] === upperHigh) {
          if ((bits & bit) !== 0) this.#repeated.push(high, low);
          slots[at + 2] = bits | bit;
          break;
        }
        slot = (slot + 1) & mask;
      }
    }
    this.#used = used;
    this.#noted += rows;
  }

  /** To the size that the records still to come will want if they are like those before. */
  #grow(rows: number): void {
    const filling = this.#noted === 0 ? 1 : this.#used / this.#noted;
    const wanted = filling * Math.max(this.#expected, this.#noted) + rows;
    const count = Math.min(slotsFor(Math.max(wanted, this.#used * 2)), slotsWithin(this.#mostBytes));
    const grown = emptySlots(count);
    if (isFull(this.#used + rows, grown)) {
      throw new SeenKeysFullError(`the keys of the records take more than ${this.#mostBytes} bytes`);
    }
    const mask = count - 1;
    const old = this.#slots;
    for (let from = 0; from < old.length; from += words) {
      if (old[from + 2] === 0) continue;
      let slot = slotOf(old[from + 1]!, old[from]!, mask);
      while (grown[slot * words + 2] !== 0) slot = (slot + 1) & mask;
      for (let word = 0; word < words; word += 1) grown[slot * words + word] = old[from + word]!;
    }
    this.#slots = grown;
  }
}

/** Keys that are in more than one of the tables, high and low word of each; of many tables perhaps more than once. */
export function commonKeys(tables: readonly KeySlots[]): number[] {
  return tables.flatMap((one, index) => tables.slice(0, index).flatMap((other) => keysOfBoth(one, other)));
}

function keysOfBoth(one: KeySlots, other: KeySlots): number[] {
  const [few, many] = one.length < other.length ? [one, other] : [other, one];
  const mask = many.length / words - 1;
  const common: number[] = [];
  for (let from = 0; from < few.length; from += words) {
    if (few[from + 2] === 0) continue;
    const upperLow = few[from]!;
    const upperHigh = few[from + 1]!;
    let slot = slotOf(upperHigh, upperLow, mask);
    while (many[slot * words + 2] !== 0) {
      const at = slot * words;
      if (many[at] === upperLow && many[at + 1] === upperHigh) {
        let bits = many[at + 2]! & few[from + 2]!;
        for (; bits !== 0; bits &= bits - 1) {
          const bit = 31 - Math.clz32(bits & -bits);
          common.push((upperHigh << 5) | (upperLow >>> 27), (upperLow << 5) | bit);
        }
        break;
      }
      slot = (slot + 1) & mask;
    }
  }
  return common;
}

function isFull(used: number, slots: KeySlots): boolean {
  return used * words * 3 > slots.length * 2;
}

function slotsFor(keys: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(fewestSlots, keys * 1.5)));
}

function slotsWithin(bytes: number): number {
  // while a table grows, the one before is there too
  return 2 ** Math.floor(Math.log2(Math.max(1, bytes / (slotBytes * 1.5))));
}

function emptySlots(count: number): KeySlots {
  return new Int32Array(count * words);
}

function slotOf(upperHigh: number, upperLow: number, mask: number): number {
  let hash = Math.imul(upperLow ^ Math.imul(upperHigh, 0x9e3779b1 | 0), 0x85ebca6b | 0);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) & mask;
}

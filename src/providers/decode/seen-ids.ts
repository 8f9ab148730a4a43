/**
 * Which record ids a file has already shown, with the hash of their content and the line: an open-addressing table of exact
 * 12-byte ids in one typed array, 24 bytes an entry, grown at 60 % load.
 */
import type { SeenRecords, Sighting } from './seen-records.ts';

const words = 6;
/** The length of the ids that it takes. */
export const idBytes = 12;

export class SeenIds implements SeenRecords {
  #slots: number;
  #table: Int32Array;
  #count = 0;
  earlierLine = 0;

  constructor(expected = 4096) {
    this.#slots = 2 ** Math.ceil(Math.log2(Math.max(16, expected * 1.7)));
    this.#table = new Int32Array(this.#slots * words);
  }

  note(bytes: Uint8Array, at: number, _to: number, high: number, low: number, line: number): Sighting {
    const a = wordAt(bytes, at);
    const b = wordAt(bytes, at + 4);
    const c = wordAt(bytes, at + idBytes - 4);
    const entry = this.#find(a, b, c);
    const table = this.#table;
    if (table[entry + 5] === 0) {
      table[entry] = a;
      table[entry + 1] = b;
      table[entry + 2] = c;
      table[entry + 3] = high;
      table[entry + 4] = low;
      table[entry + 5] = line;
      this.#count += 1;
      if (this.#count * 5 > this.#slots * 3) this.#grow();
      return 'new';
    }
    if (table[entry + 3] === high && table[entry + 4] === low) return 'same';
    this.earlierLine = table[entry + 5]!;
    table[entry + 3] = high;
    table[entry + 4] = low;
    table[entry + 5] = line;
    return 'conflict';
  }

  /**
   * Ids that follow each other share a block of 16 slots, since files hold their ids mostly in order and every jump in a large
   * table is a cache miss; blocks are spread by a hash, so ids that differ by a constant step do not pile up.
   */
  #find(a: number, b: number, c: number): number {
    const mask = this.#slots - 1;
    const number = Math.imul(lowDigits(b), 10_000) + lowDigits(c);
    let hash = Math.imul(
      ((number >>> 4) + (c & 0x70707070)) ^ Math.imul(a ^ (b & 0x70707070), 0x9e3779b1 | 0),
      0x85ebca6b,
    );
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    let slot = (((hash ^ (hash >>> 13)) << 4) | (number & 15)) & mask;
    const table = this.#table;
    for (;;) {
      const entry = slot * words;
      if (table[entry + 5] === 0) return entry;
      if (table[entry + 2] === c && table[entry + 1] === b && table[entry] === a) return entry;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#slots *= 2;
    this.#table = new Int32Array(this.#slots * words);
    for (let entry = 0; entry < old.length; entry += words) {
      if (old[entry + 5] === 0) continue;
      this.#table.set(old.subarray(entry, entry + words), this.#find(old[entry]!, old[entry + 1]!, old[entry + 2]!));
    }
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Four ASCII digits, first one in the lowest byte, as their number; for other characters some number. */
function lowDigits(word: number): number {
  return (word & 15) * 1000 + ((word >>> 8) & 15) * 100 + ((word >>> 16) & 15) * 10 + ((word >>> 24) & 15);
}

/**
 * Which record keys of any length a file has already shown, with the hash of their content, their version and the line. Exact:
 * the keys' bytes are kept one after the other, and an open-addressing table of 28 bytes an entry points to them.
 */
import type { SeenRecords, Sighting } from './seen-records.ts';

const words = 7;

export class SeenKeys implements SeenRecords {
  #slots: number;
  #table: Int32Array;
  #count = 0;
  #keys = Buffer.allocUnsafeSlow(64 * 1024);
  #filled = 0;
  earlierLine = 0;

  constructor(expected = 4096) {
    this.#slots = 2 ** Math.ceil(Math.log2(Math.max(16, expected * 1.7)));
    this.#table = new Int32Array(this.#slots * words);
  }

  note(
    bytes: Uint8Array,
    from: number,
    to: number,
    high: number,
    low: number,
    line: number,
    version: number,
  ): Sighting {
    const entry = this.#entryOf(bytes, from, to);
    const table = this.#table;
    if (table[entry + 5] === 0) {
      this.#add(entry, bytes, from, to);
      this.#set(entry, high, low, line, version);
      if (this.#count * 5 > this.#slots * 3) this.#grow();
      return 'new';
    }
    if (table[entry + 3] === high && table[entry + 4] === low) return 'same';
    if (version < table[entry + 6]!) return 'older';
    this.earlierLine = table[entry + 5]!;
    this.#set(entry, high, low, line, version);
    return 'conflict';
  }

  /** How often this key was counted, now included. */
  count(bytes: Uint8Array, from: number, to: number): number {
    const entry = this.#entryOf(bytes, from, to);
    if (this.#table[entry + 5] === 0) this.#add(entry, bytes, from, to);
    const times = this.#table[entry + 5]! + 1;
    this.#table[entry + 5] = times;
    if (times === 1 && this.#count * 5 > this.#slots * 3) this.#grow();
    return times;
  }

  #set(entry: number, high: number, low: number, line: number, version: number): void {
    this.#table[entry + 3] = high;
    this.#table[entry + 4] = low;
    this.#table[entry + 5] = line;
    this.#table[entry + 6] = version;
  }

  #add(entry: number, bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (this.#filled + length > this.#keys.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#keys.length * 2, length));
      this.#keys.copy(larger, 0, 0, this.#filled);
      this.#keys = larger;
    }
    this.#keys.set(bytes.subarray(from, to), this.#filled);
    this.#table[entry] = hashOf(bytes, from, to);
    // in units of one byte: files of more than 2 GiB of keys are refused before by their memory
    this.#table[entry + 1] = this.#filled;
    this.#table[entry + 2] = length;
    this.#filled += length;
    this.#count += 1;
  }

  #entryOf(bytes: Uint8Array, from: number, to: number): number {
    const hash = hashOf(bytes, from, to);
    const table = this.#table;
    let slot = spread(hash) & (this.#slots - 1);
    for (;;) {
      const entry = slot * words;
      if (table[entry + 5] === 0) return entry;
      if (table[entry] === hash && this.#holds(table[entry + 1]!, table[entry + 2]!, bytes, from, to)) return entry;
      slot = (slot + 1) & (this.#slots - 1);
    }
  }

  #holds(at: number, length: number, bytes: Uint8Array, from: number, to: number): boolean {
    if (length !== to - from) return false;
    for (let index = 0; index < length; index += 1) if (this.#keys[at + index] !== bytes[from + index]) return false;
    return true;
  }

  #grow(): void {
    const old = this.#table;
    this.#slots *= 2;
    this.#table = new Int32Array(this.#slots * words);
    for (let entry = 0; entry < old.length; entry += words) {
      if (old[entry + 5] === 0) continue;
      let slot = spread(old[entry]!) & (this.#slots - 1);
      while (this.#table[slot * words + 5] !== 0) slot = (slot + 1) & (this.#slots - 1);
      this.#table.set(old.subarray(entry, entry + words), slot * words);
    }
  }
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 ^ (to - from);
  for (let index = from; index < to; index += 1) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
  return hash | 0;
}

function spread(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 13);
}

/**
 * Which record keys a file has shown, and where each stands last: one open-addressing table in shared memory for all threads,
 * 16 bytes a slot, exact 64-bit keys. Of records with the same key the last in the file wins, whichever thread meets it first:
 * each `note` of a known key names one loser, so n records of a key have n - 1 losers, and never one twice.
 *
 * A slot is taken by compare-and-swap on its state word: 0 free, -1 being written, else the high part of the offset + 1. Keys
 * are written before the state and never change, so a reader compares without a lock. Offsets stay below 2^52.
 *
 * Keys that follow each other share a block of 16 slots: files hold their ids mostly in order, and each jump in a large table is
 * a cache miss. A key whose slot is taken tries the same slot of the next block, so blocks of keys move on together. The table
 * does not grow; `note` throws `SeenKeysFullError` when nine tenths are taken.
 */
import { batchRows, type UsageBatch } from './usage-batch.ts';

export class SeenKeysFullError extends Error {
  override readonly name = 'SeenKeysFullError';
}

/** Shared with threads as it is. */
export interface SeenTables {
  readonly slots: Int32Array<SharedArrayBuffer>;
  /** How many slots are taken. */
  readonly taken: Int32Array<SharedArrayBuffer>;
}

/** A record that lost, and one of the same key behind it, which may lose later. File offsets. */
export interface LostRecord {
  readonly offset: number;
  readonly toOffset: number;
}

const words = 4;
const blockWords = 16 * words;
const busy = -1;
const pageBits = 2 ** 32;
/** What eight threads may still take after one of them found the table full, twice. */
const slack = 16 * batchRows;
export const bytesPerKey = 24;

/** Room for so many keys at two thirds load: 24 bytes a key and 128 KiB. */
export function seenTables(keys: number): SeenTables {
  const count = Math.ceil((keys * bytesPerKey) / (words * 4) / 16) * 16 + slack;
  return {
    slots: new Int32Array(new SharedArrayBuffer(count * words * Int32Array.BYTES_PER_ELEMENT)),
    taken: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
  };
}

export class SeenKeys {
  readonly #slots: Int32Array;
  readonly #taken: Int32Array;
  readonly #blocks: number;
  readonly #most: number;
  /** Records that lost so far, as far as this thread's notes told. */
  readonly lost: LostRecord[] = [];

  constructor(tables: SeenTables) {
    this.#slots = tables.slots;
    this.#taken = tables.taken;
    const slots = tables.slots.length / words;
    this.#blocks = slots / 16;
    this.#most = Math.floor((slots - slack) * 0.9) + slack / 2;
  }

  /** Notes every record of the batch. */
  note(batch: UsageBatch): void {
    const { rows, keyHigh, keyLow, offset } = batch;
    let fresh = 0;
    for (let row = 0; row < rows; row += 1) {
      if (this.#note(keyHigh[row]!, keyLow[row]!, offset[row]!)) fresh += 1;
    }
    if (Atomics.add(this.#taken, 0, fresh) + fresh > this.#most) {
      throw new SeenKeysFullError('the table of record keys is full');
    }
  }

  /** True for a key that is new. */
  #note(high: number, low: number, offset: number): boolean {
    const slots = this.#slots;
    const end = slots.length;
    const page = (offset / pageBits) | 0;
    const within = (offset - page * pageBits) | 0;
    let at = this.#firstSlot(high, low);
    for (;;) {
      const state = Atomics.load(slots, at + 3);
      if (state === 0) {
        if (Atomics.compareExchange(slots, at + 3, 0, busy) === 0) {
          slots[at] = high;
          slots[at + 1] = low;
          slots[at + 2] = within;
          Atomics.store(slots, at + 3, page + 1);
          return true;
        }
      } else if (state !== busy) {
        if (slots[at + 1] === low && slots[at] === high) {
          if (this.#replace(at, state, page, within, offset)) return false;
        } else {
          at += blockWords;
          // once round: the next slot of each block, so that every slot is tried in the end
          if (at >= end) at = (at - end + words) % blockWords;
        }
      }
    }
  }

  /** False when another thread was at the slot: look again. */
  #replace(at: number, state: number, page: number, within: number, offset: number): boolean {
    const slots = this.#slots;
    if (Atomics.compareExchange(slots, at + 3, state, busy) !== state) return false;
    const known = (state - 1) * pageBits + (slots[at + 2]! >>> 0);
    if (known < offset) {
      slots[at + 2] = within;
      Atomics.store(slots, at + 3, page + 1);
      this.lost.push({ offset: known, toOffset: offset });
    } else {
      Atomics.store(slots, at + 3, state);
      this.lost.push({ offset, toOffset: known });
    }
    return true;
  }

  #firstSlot(high: number, low: number): number {
    let hash = Math.imul((low >>> 4) ^ Math.imul(high, 0x9e3779b1 | 0), 0x85ebca6b);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    hash = (hash ^ (hash >>> 13)) >>> 0;
    // the hash as a fraction of 2^32 picks the block
    const block = Math.floor((hash * this.#blocks) / pageBits);
    // turned by the hash: keys a constant step apart do not all want the same slot
    return block * blockWords + ((low + hash) & 15) * words;
  }
}

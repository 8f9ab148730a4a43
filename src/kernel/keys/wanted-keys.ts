/**
 * The keys that more than one record has, numbered, and a quick no for all others: threads ask for every record of a file. And
 * which of a key's records count: the last in the file, whoever met it.
 */

/** Opened by `WantedKeys`. */
export interface WantedTables {
  readonly count: number;
  /** Three words a slot: the key's high and low word and its number + 1; 0: free. */
  readonly slots: Int32Array;
  /** A bit for each of some hashes. */
  readonly filter: Int32Array;
}

const words = 3;
const fewestFilterBits = 2 ** 16;
const mostFilterBits = 2 ** 23;

/** `keys` are high and low word of each; those that stand there twice get one number. */
export function wantedTables(keys: readonly ArrayLike<number>[]): WantedTables {
  const most = keys.reduce((sum, each) => sum + each.length / 2, 0);
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(most * 2 + 2)) * words);
  const bits = Math.min(mostFilterBits, Math.max(fewestFilterBits, 2 ** Math.ceil(Math.log2(most * 64 + 2))));
  const filter = new Int32Array(bits / 32);
  const mask = slots.length / words - 1;
  let count = 0;
  for (const each of keys) {
    for (let at = 0; at < each.length; at += 2) {
      const high = each[at]! | 0;
      const low = each[at + 1]! | 0;
      const bit = filterHash(low) & (bits - 1);
      filter[bit >>> 5]! |= 1 << (bit & 31);
      let slot = hashOf(high, low) & mask;
      while (slots[slot * words + 2] !== 0 && !(slots[slot * words] === high && slots[slot * words + 1] === low)) {
        slot = (slot + 1) & mask;
      }
      if (slots[slot * words + 2] !== 0) continue;
      count += 1;
      slots.set([high, low, count], slot * words);
    }
  }
  return { count, slots, filter };
}

export class WantedKeys {
  readonly #slots: Int32Array;
  readonly #filter: Int32Array;

  constructor({ slots, filter }: WantedTables) {
    this.#slots = slots;
    this.#filter = filter;
  }

  /** Numbers of those keys from `from` to `end` that are wanted, with the row of each. */
  eachIn(high: Int32Array, low: Int32Array, from: number, end: number, take: (number: number, row: number) => void) {
    const filter = this.#filter;
    const mask = filter.length - 1;
    for (let row = from; row < end; row += 1) {
      const bit = filterHash(low[row]!);
      if (((filter[(bit >>> 5) & mask]! >>> (bit & 31)) & 1) === 0) continue;
      const number = this.#numberOf(high[row]!, low[row]!);
      if (number >= 0) take(number, row);
    }
  }

  /** -1 when it is not wanted. */
  #numberOf(high: number, low: number): number {
    const slots = this.#slots;
    const mask = slots.length / words - 1;
    for (let slot = hashOf(high, low) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * words;
      if (slots[at + 2] === 0) return -1;
      if (slots[at] === high && slots[at + 1] === low) return slots[at + 2]! - 1;
    }
  }
}

/** From places (a key's number, a record's offset): each record that lost, and the one of its key that counts. */
export function lostPairs(count: number, places: readonly ArrayLike<number>[]): Float64Array<ArrayBuffer> {
  const last = new Float64Array(count).fill(-1);
  let all = 0;
  for (const each of places) {
    for (let at = 0; at < each.length; at += 2) last[each[at]!] = Math.max(last[each[at]!]!, each[at + 1]!);
    all += each.length / 2;
  }
  const pairs = new Float64Array(2 * (all - count));
  let to = 0;
  for (const each of places) {
    for (let at = 0; at < each.length; at += 2) {
      const counts = last[each[at]!]!;
      if (each[at + 1]! === counts) continue;
      pairs[to] = each[at + 1]!;
      pairs[to + 1] = counts;
      to += 2;
    }
  }
  return pairs;
}

/** Cheap: asked for every record. Neighbours do not fall together; the low words of keys mostly differ. */
function filterHash(low: number): number {
  return Math.imul(low, 0x9e3779b1 | 0) >>> 9;
}

function hashOf(high: number, low: number): number {
  let hash = Math.imul(low ^ Math.imul(high, 0x85ebca6b | 0), 0x9e3779b1 | 0);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 15);
}

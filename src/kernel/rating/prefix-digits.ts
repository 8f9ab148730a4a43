/**
 * The longest prefix of a number that stands as digits in a file's bytes, for millions of lookups: a trie whose first steps
 * take four digits and then two at once. Built once into shared memory, read by any number of threads.
 */
import { buildTrie, type TrieTables, trieInBytes } from '../../telecom/prefix-trie.ts';

/**
 * Tables behind each other: the first has a cell for each of 10,000 beginnings of four digits, those behind it 100 cells, all
 * further ones 10. A cell below 0 is the end of the way, -1 - the prefix's number; any other is where the next table's cells
 * begin, and the cell before them has the longest prefix so far, for numbers that end there.
 */
export interface PrefixDigits {
  readonly cells: Int32Array<SharedArrayBuffer>;
  /** For numbers of fewer than six digits. */
  readonly trie: TrieTables;
}

const zeroCode = 48;

/** `strings` hold digits only; `added` holds them by their number, of which 0 is the empty one's. */
export function prefixDigits(strings: readonly string[]): { digits: PrefixDigits; added: readonly string[] } {
  const { tables: trie, added } = buildTrie(strings);
  const { children, best } = trie;
  const cells: number[] = [];

  /** Puts the node's table and those behind it; answers where its cells begin. */
  function put(node: number, depth: number): number {
    const digits = depth === 0 ? 4 : depth === 4 ? 2 : 1;
    const at = cells.push(best[node]!);
    for (let cell = 0; cell < 10 ** digits; cell += 1) cells.push(0);
    fill(node, at, digits, depth + digits);
    return at;
  }

  /** The cells of all ways of so many digits from the node on. */
  function fill(node: number, at: number, digits: number, depth: number): void {
    if (digits === 0) {
      cells[at] = isLeaf(node) ? -1 - best[node]! : put(node, depth);
      return;
    }
    const share = 10 ** (digits - 1);
    for (let digit = 0; digit < 10; digit += 1) {
      const child = children[node * 10 + digit]!;
      if (child !== 0) fill(child, at + digit * share, digits - 1, depth);
      else cells.fill(-1 - best[node]!, at + digit * share, at + (digit + 1) * share);
    }
  }

  function isLeaf(node: number): boolean {
    for (let digit = 0; digit < 10; digit += 1) if (children[node * 10 + digit] !== 0) return false;
    return true;
  }

  put(0, 0);
  const shared = new Int32Array(new SharedArrayBuffer(cells.length * Int32Array.BYTES_PER_ELEMENT));
  shared.set(cells);
  return { digits: { cells: shared, trie }, added };
}

/** Number of the longest prefix that the `length` digits at `at` begin with. */
export function longestPrefix({ cells, trie }: PrefixDigits) {
  const longestOfFew = trieInBytes(trie);
  return function longestIn(bytes: Uint8Array, at: number, length: number): number {
    if (length < 6) return longestOfFew(bytes, at, length);
    const first = bytes[at]! * 1000 + bytes[at + 1]! * 100 + bytes[at + 2]! * 10 + bytes[at + 3]! - zeroCode * 1111;
    let cell = cells[1 + first]!;
    if (cell < 0) return -1 - cell;
    cell = cells[cell + bytes[at + 4]! * 10 + bytes[at + 5]! - zeroCode * 11]!;
    for (let from = at + 6; cell >= 0; from += 1) {
      if (from === at + length) return cells[cell - 1]!;
      cell = cells[cell + bytes[from]! - zeroCode]!;
    }
    return -1 - cell;
  };
}

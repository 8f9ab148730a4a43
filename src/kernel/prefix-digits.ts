/**
 * The longest prefix of a number that stands as digits in a file's bytes, for millions of lookups: a trie whose first steps
 * take four digits and then two at once. Built once into shared memory, read by any number of threads.
 */
import { buildTrie, type TrieTables, trieInBytes } from '../telecom/prefix-trie.ts';

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
    for (let value = 0; value < 10 ** digits; value += 1) cells.push(0);
    for (let value = 0; value < 10 ** digits; value += 1) {
      const end = walk(node, String(value).padStart(digits, '0'));
      cells[at + value] = end.whole && hasChildren(end.node) ? put(end.node, depth + digits) : -1 - best[end.node]!;
    }
    return at;
  }

  function walk(from: number, digits: string): { readonly node: number; readonly whole: boolean } {
    let node = from;
    for (const digit of digits) {
      const child = children[node * 10 + Number(digit)]!;
      if (child === 0) return { node, whole: false };
      node = child;
    }
    return { node, whole: true };
  }

  function hasChildren(node: number): boolean {
    return children.subarray(node * 10, node * 10 + 10).some((child) => child !== 0);
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

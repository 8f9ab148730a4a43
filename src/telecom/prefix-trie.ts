/**
 * Longest match of digit strings on typed arrays in shared memory: built once, read by any number of threads, by text or
 * straight from a file's bytes. Strings are numbered in the order in which they are first added; number 0 is always the empty
 * string, which every lookup matches.
 */
export interface PrefixTrie {
  /** Number of the longest added string that `digits` begins with; 0 when only the empty one does. */
  longest(digits: string): number;
  /** Number of the next shorter added string that string `n` begins with; -1 for the empty one. */
  shorter(n: number): number;
  /** Number of an added string, -1 when it was not added. */
  numberOf(digits: string): number;
}

/** What threads share: they pass it on as it is and open it with `openTrie`. */
export interface TrieTables {
  /** Child of node n for digit d is at n * 10 + d; 0 is none, since the root is nobody's child. */
  readonly children: Int32Array<SharedArrayBuffer>;
  /** Number of the longest string on the way to a node. */
  readonly best: Int32Array<SharedArrayBuffer>;
  /**
   * For many lookups in bytes, 40 KB: where each of the 10,000 beginnings of four digits leads. A node, or below 0 the end of
   * the way: -1 - the longest match.
   */
  readonly heads: Int32Array<SharedArrayBuffer> | null;
}

const zeroCode = 48;
const headDigits = 4;
const headCount = 10 ** headDigits;

/** `strings` hold digits only; duplicates are one. */
export function createPrefixTrie(strings: readonly string[]): PrefixTrie {
  const { tables, added } = buildTrie(strings);
  const { longest } = openTrie(tables);
  const shorterOf = added.map((text) => (text === '' ? -1 : longest(text.slice(0, -1))));
  const numberOfText = new Map(added.map((text, number) => [text, number]));
  return {
    longest,
    shorter: (n) => shorterOf[n]!,
    numberOf: (digits) => numberOfText.get(digits) ?? -1,
  };
}

/** `added` holds the strings by their number. */
export function buildTrie(strings: readonly string[]): { tables: TrieTables; added: readonly string[] } {
  const size = strings.reduce((sum, text) => sum + text.length, 1);
  const children = new Int32Array(size * 10);
  const numbers = new Int32Array(size).fill(-1);
  const parents = new Int32Array(size);
  numbers[0] = 0;
  const added = [''];
  let used = 1;
  for (const text of strings) {
    let node = 0;
    for (let i = 0; i < text.length; i += 1) {
      const slot = node * 10 + text.charCodeAt(i) - zeroCode;
      if (children[slot] === 0) {
        children[slot] = used;
        parents[used] = node;
        used += 1;
      }
      node = children[slot]!;
    }
    if (numbers[node] === -1) {
      numbers[node] = added.length;
      added.push(text);
    }
  }
  const best = sharedInts(used);
  // a node comes after its parent
  for (let node = 1; node < used; node += 1) best[node] = numbers[node] === -1 ? best[parents[node]!]! : numbers[node]!;
  const shared = sharedInts(used * 10);
  shared.set(children.subarray(0, used * 10));
  return { tables: { children: shared, best, heads: null }, added };
}

/** The same tables, ready for `trieInBytes`. */
export function withHeads({ children, best }: TrieTables): TrieTables & { heads: Int32Array<SharedArrayBuffer> } {
  const heads = sharedInts(headCount);
  for (let head = 0; head < headCount; head += 1) {
    let node = 0;
    for (const digit of String(head).padStart(headDigits, '0')) {
      const child = children[node * 10 + Number(digit)]!;
      if (child === 0) {
        heads[head] = -1 - best[node]!;
        break;
      }
      node = child;
    }
    if (heads[head] === 0) heads[head] = node;
  }
  return { children, best, heads };
}

export function openTrie({ children, best }: TrieTables): Pick<PrefixTrie, 'longest'> {
  function longest(digits: string): number {
    let node = 0;
    for (let i = 0; i < digits.length; i += 1) {
      const digit = digits.charCodeAt(i) - zeroCode;
      if (digit < 0 || digit > 9) break;
      const child = children[node * 10 + digit]!;
      if (child === 0) break;
      node = child;
    }
    return best[node]!;
  }
  return { longest };
}

/** `longest` for `length` bytes at `at`, all of them digits. */
export function trieInBytes(tables: TrieTables) {
  const { children, best, heads } = tables.heads === null ? withHeads(tables) : tables;
  return function longestIn(bytes: Uint8Array, at: number, length: number): number {
    const end = at + length;
    let from = at;
    let node = 0;
    if (length >= headDigits) {
      const head = bytes[at]! * 1000 + bytes[at + 1]! * 100 + bytes[at + 2]! * 10 + bytes[at + 3]! - zeroCode * 1111;
      node = heads![head]!;
      if (node < 0) return -1 - node;
      from = at + headDigits;
    }
    for (; from < end; from += 1) {
      const child = children[node * 10 + bytes[from]! - zeroCode]!;
      if (child === 0) break;
      node = child;
    }
    return best[node]!;
  };
}

function sharedInts(length: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
}

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
}

const zeroCode = 48;

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
  return { tables: { children: shared, best }, added };
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
export function trieInBytes({ children, best }: TrieTables) {
  return function longestIn(bytes: Uint8Array, at: number, length: number): number {
    let node = 0;
    for (let from = at; from < at + length; from += 1) {
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

/**
 * Longest match of digit strings on one typed array. Strings are numbered in the order in which they are first added;
 * number 0 is always the empty string, which every lookup matches.
 */
export interface PrefixTrie {
  /** Number of the longest added string that `digits` begins with; 0 when only the empty one does. */
  longest(digits: string): number;
  /** Number of the next shorter added string that string `n` begins with; -1 for the empty one. */
  shorter(n: number): number;
  /** Number of an added string, -1 when it was not added. */
  numberOf(digits: string): number;
}

const zeroCode = 48;

/** `strings` hold digits only; duplicates are one. */
export function createPrefixTrie(strings: readonly string[]): PrefixTrie {
  const size = strings.reduce((sum, text) => sum + text.length, 1);
  // Child of node n for digit d is at n * 10 + d; 0 is none, since the root is nobody's child.
  const children = new Int32Array(size * 10);
  const numbers = new Int32Array(size).fill(-1);
  numbers[0] = 0;
  const ends = [0];
  const byNumber = [''];
  let used = 1;
  for (const text of strings) {
    let node = 0;
    for (let i = 0; i < text.length; i += 1) {
      const slot = node * 10 + text.charCodeAt(i) - zeroCode;
      if (children[slot] === 0) {
        children[slot] = used;
        used += 1;
      }
      node = children[slot]!;
    }
    if (numbers[node] === -1) {
      numbers[node] = ends.length;
      ends.push(node);
      byNumber.push(text);
    }
  }

  function longest(digits: string): number {
    let node = 0;
    let best = 0;
    for (let i = 0; i < digits.length; i += 1) {
      const digit = digits.charCodeAt(i) - zeroCode;
      if (digit < 0 || digit > 9) return best;
      node = children[node * 10 + digit]!;
      if (node === 0) return best;
      if (numbers[node] !== -1) best = numbers[node]!;
    }
    return best;
  }

  const shorterOf = byNumber.map((text) => (text === '' ? -1 : longest(text.slice(0, -1))));
  const numberOfText = new Map(byNumber.map((text, number) => [text, number]));
  return {
    longest,
    shorter: (n) => shorterOf[n]!,
    numberOf: (digits) => numberOfText.get(digits) ?? -1,
  };
}

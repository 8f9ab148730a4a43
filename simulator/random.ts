/**
 * Random numbers that depend on nothing but a seed and a label, so that two runs write the same bytes and a change in one
 * part of the traffic does not move the others. sfc32 (Chris Doty-Humphrey, PractRand), seeded by FNV-1a over the label.
 */
export interface Random {
  /** 0 <= n < limit, whole. */
  below(limit: number): number;
  /** from <= n <= to, whole. */
  between(from: number, to: number): number;
  /** True once in `oneIn` times on average. */
  oneIn(n: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** Picks by weight: entries are [value, weight] with whole weights. */
  weighted<T>(entries: readonly (readonly [T, number])[]): T;
  digits(count: number): string;
}

export function seededRandom(seed: number, label: string): Random {
  const next = sfc32(fnv1a(`${seed}:${label}`));
  const below = (limit: number) => Math.floor((next() / 0x1_0000_0000) * limit);
  return {
    below,
    between: (from, to) => from + below(to - from + 1),
    oneIn: (n) => below(n) === 0,
    pick: (list) => {
      if (list.length === 0) throw new Error('cannot pick from an empty list');
      return list[below(list.length)] as (typeof list)[number];
    },
    weighted: (entries) => {
      let ticket = below(entries.reduce((sum, [, weight]) => sum + weight, 0));
      for (const [value, weight] of entries) {
        ticket -= weight;
        if (ticket < 0) return value;
      }
      throw new Error('cannot pick from an empty list');
    },
    digits: (count) => Array.from({ length: count }, () => below(10)).join(''),
  };
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

function sfc32(seed: number): () => number {
  let a = seed | 0;
  let b = Math.imul(seed, 0x9e3779b9) | 0;
  let c = ~seed;
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

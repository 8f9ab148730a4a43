/** Everything that a run decides by chance comes from its seed: the same seed draws the same faults and the same work. */

export interface Draw {
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  shuffled<T>(from: readonly T[]): T[];
  /** One of its own: what is drawn from it changes nothing here, and the other way round. */
  fork(name: string): Draw;
}

export function drawFrom(seed: string): Draw {
  const next = mulberry32(hash(seed));
  const int = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  const draw: Draw = {
    int,
    chance: (probability) => next() < probability,
    pick: (from) => from[int(0, from.length - 1)]!,
    shuffled(from) {
      const list = [...from];
      for (let last = list.length - 1; last > 0; last -= 1) {
        const other = int(0, last);
        [list[last], list[other]] = [list[other]!, list[last]!];
      }
      return list;
    },
    fork: (name) => drawFrom(`${seed}/${name}`),
  };
  return draw;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ character.codePointAt(0)!, 0x01000193);
  return value >>> 0;
}

/** Tommy Ettinger's generator: 32 bits of state, good enough to spread faults. In [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * How many more chains a node could start now. The engine tells it after every claim; signals that nodes share read it, so
 * that a hint goes to a node that can follow it. Chains that go on with their next step take lanes in between: what was free
 * at the last look and is taken now is no room.
 */
export interface Room {
  /** Chains that could be started: no more than at the last look, and than now. 0 before the first look. */
  free(): number;
  /** Called by the owner after every look at the rows. */
  set(free: number): void;
  /** `listener` is called after every `set`. Returns how to stop that. */
  onSet(listener: () => void): () => void;
}

export function createRoom(now: () => number = () => Number.POSITIVE_INFINITY): Room {
  const listeners = new Set<() => void>();
  let room = 0;
  return {
    free: () => Math.min(room, now()),
    set(free) {
      room = free;
      for (const listener of [...listeners]) listener();
    },
    onSet(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * How many more chains a node could start now, as it was at its last look at the rows. The engine tells it after every claim;
 * signals that nodes share read it, so that a hint goes to a node that can follow it.
 */
export interface Room {
  /** Chains that could be started; 0 before the first look. */
  free(): number;
  /** Called by the owner after every look at the rows. */
  set(free: number): void;
  /** `listener` is called after every `set`. Returns how to stop that. */
  onSet(listener: () => void): () => void;
}

export function createRoom(): Room {
  const listeners = new Set<() => void>();
  let room = 0;
  return {
    free: () => room,
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

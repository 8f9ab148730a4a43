/**
 * Large arrays between the caller and a pool thread. A task's arguments or its result may name buffers in it that move: whoever
 * sends them has them no more, and nothing is copied. Memory has one owner at any time, so it can be given back at once; what
 * threads share is free only when each of them has collected its garbage, which idle threads do not.
 */
export interface Moving {
  readonly moves?: readonly ArrayBuffer[];
}

export function movesOf(value: unknown): readonly ArrayBuffer[] {
  return (value as Moving | null | undefined)?.moves ?? [];
}

/** Gives memory back now. Arrays in it have no elements any more. */
export function release(buffers: Iterable<ArrayBuffer>): void {
  for (const buffer of buffers) buffer.transfer(0);
}

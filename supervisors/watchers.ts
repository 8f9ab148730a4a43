/**
 * Those who want to hear the end of one incarnation. `down` tells each of them exactly once, in the order they came; a
 * second `down` does nothing. Callbacks passed in here do not throw: `monitor` and `ask` see to that.
 */
import type { EndReason } from './types.ts';

export class Watchers {
  #waiting: Set<(reason: EndReason) => void> | null = new Set();

  /** Null once everybody was told. */
  add(onDown: (reason: EndReason) => void): (() => void) | null {
    const waiting = this.#waiting;
    if (waiting === null) return null;
    // A function of its own per call: the same callback may watch twice.
    const entry = (reason: EndReason): void => onDown(reason);
    waiting.add(entry);
    return () => waiting.delete(entry);
  }

  down(reason: EndReason): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    for (const onDown of waiting) onDown(reason);
  }
}

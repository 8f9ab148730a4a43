/**
 * Those who want to hear the end of one incarnation. `down` tells each of them exactly once, in the order they came; a
 * second `down` does nothing. Callbacks passed in here do not throw: `monitor` and `ask` see to that.
 */
import type { EndReason } from './types.ts';

export class Watchers {
  #waiting: Set<(reason: EndReason) => void> | null = new Set();

  /** `onDown` is a function of its own per call. Null once everybody was told. */
  add(onDown: (reason: EndReason) => void): (() => void) | null {
    const waiting = this.#waiting;
    if (waiting === null) return null;
    waiting.add(onDown);
    return () => waiting.delete(onDown);
  }

  down(reason: EndReason): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    for (const onDown of waiting) onDown(reason);
  }
}

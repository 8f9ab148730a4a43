/** One child's place in a supervisor, with what the supervisor has to remember of it. Made anew per generation. */
import type { Child, SupervisionFacts } from './child.ts';

export class Slot {
  readonly index: number;
  readonly child: Child;
  restarts = 0;
  /** Failures since the last handled message or healthy run. */
  consecutive = 0;
  /** In its backoff. */
  waiting = false;
  /** Ended for good in this generation: a temporary child, or a transient one that ended normally. */
  done = false;
  gaveUp = false;

  constructor(index: number, child: Child) {
    this.index = index;
    this.child = child;
  }

  finish(): void {
    this.done = true;
    this.child.discard();
  }

  /** For a new generation of the supervisor; `restarts` counts on. */
  reset(): void {
    this.consecutive = 0;
    this.waiting = false;
    this.done = false;
    this.gaveUp = false;
  }

  facts(restartsInWindow: number): SupervisionFacts {
    const { restarts, consecutive, waiting, gaveUp } = this;
    return { restarts, consecutive, waiting, gaveUp, restartsInWindow };
  }
}

/**
 * A stretch: steps of one chain that ended well one after the other, without a callback, before the row of the first was
 * sent. They are written with it, all or none: a line in the log for each token, and one move of the row.
 */
import type { Run } from './run.ts';

/** A step that succeeded with nothing to commit but its row. */
export interface AheadStep {
  readonly run: Run;
  readonly durationMs: number;
  readonly outcome: 'succeeded';
  readonly reason: null;
  /** JSON text. */
  readonly output: string;
  /** Null: the chain ends. */
  readonly nextStep: string | null;
  readonly mayContinue: () => boolean;
}

export class Stretch {
  #steps: AheadStep[] = [];
  #dropped: AheadStep[] = [];
  #sealed = false;

  /** After the first one, in their order. */
  get steps(): readonly AheadStep[] {
    return this.#steps;
  }

  /** What ran and does not count: the rows did not allow it. */
  get dropped(): readonly AheadStep[] {
    return this.#dropped;
  }

  /** False when the first one is on its way already: then it is written after it. */
  add(step: AheadStep): boolean {
    if (this.#sealed) return false;
    this.#steps.push(step);
    return true;
  }

  /** It is sent as it is now, also when it has to be sent again. */
  seal(): void {
    this.#sealed = true;
  }

  /** Only the first one is written. */
  drop(): void {
    this.#sealed = true;
    this.#dropped = this.#steps;
    this.#steps = [];
  }
}

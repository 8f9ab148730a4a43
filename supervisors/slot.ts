/**
 * One child's place in a supervisor, with what the supervisor has to remember of it. The places of the spec live as long
 * as the tree and are reset per generation; one that was added at run time lives until it is deleted.
 */
import type { Child, SupervisionFacts } from './child.ts';
import type { RestartRound } from './restart-round.ts';
import type { ChildSpec } from './types.ts';

export class Slot {
  readonly id: string;
  readonly kind: ChildSpec['kind'];
  /** Start order; never given twice in a supervisor. */
  readonly order: number;
  /** By `Children.start`, not by the spec. */
  readonly added: boolean;
  readonly child: Child;
  /** What restarts it: its own, or the one it shares with its siblings under a group strategy. Anew per generation. */
  round!: RestartRound;
  restarts = 0;
  /** Failures since the last handled message or healthy run. */
  consecutive = 0;
  /** When the row of these failures began: the end of the last time that it ran well. */
  failingSinceMs = 0;
  /** In its backoff. */
  waiting = false;
  /** Nobody restarts it: a temporary child or a transient one that ended, or one stopped from outside. */
  done = false;
  gaveUp = false;
  /** The last administration of it that was asked for: they run one after the other. */
  administered: Promise<unknown> | null = null;

  constructor(spec: ChildSpec, order: number, added: boolean, child: Child) {
    this.id = spec.id;
    this.kind = spec.kind;
    this.order = order;
    this.added = added;
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

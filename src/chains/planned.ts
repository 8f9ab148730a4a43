/** What is to be written of a run whose handler has returned, with what, and what came of it. */
import type { Decision } from './decision.ts';
import type { Json, Step } from './define.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Registry } from './registry.ts';
import type { Sessions } from './sessions.ts';
import type { SharedCommit } from './shared-commit.ts';
import type { SlotNeed } from './slots.ts';
import type { StopPoints } from './stop-points.ts';
import type { Stretch } from './stretch.ts';

/** The row that a completing statement returns. Null: the fence was missed, nothing was written. */
export interface Moved {
  /** `running`: it goes on here, under the next token. */
  readonly state: string;
  readonly reason: string | null;
  /** Undefined: the handler's output. */
  readonly previous?: Json;
}

export interface CompletionContext {
  readonly bootId: string;
  readonly registry: Registry;
  readonly sessions: Sessions;
  readonly group: GroupCommit;
  readonly shared: SharedCommit;
  readonly stopPoints: StopPoints;
  readonly random: () => number;
  readonly nowMs: () => number;
  /** For steps without a deadline of their own. */
  readonly stepDeadlineMs: number;
  /** Parents that their last child made ready. */
  readonly onParents: (ids: readonly string[]) => void;
}

export interface Plan {
  readonly decision: Exclude<Decision, { kind: 'lost' }>;
  /** Null when this release does not know it. */
  readonly step: Step | null;
  readonly nextStep: string | null;
  /** The concurrency key of the next step. */
  readonly nextSlot: SlotNeed | null;
  /** Asked at each try, as the node may have begun to drain. */
  readonly mayContinue: () => boolean;
  /** What is written with it. Null: it is alone. */
  readonly stretch: Stretch | null;
  /** Its chain is a suspect, and stays one: what killed the process may have been the next step, which ran ahead. */
  readonly staysSuspect: boolean;
}

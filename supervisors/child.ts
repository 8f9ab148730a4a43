/**
 * What a supervisor knows of a child, whether it is an actor, another supervisor or, later, a dynamic pool: it can be
 * started, stopped and asked how it is. A child object lives as long as the tree; `start` begins a new generation of it.
 *
 * Contract of a child:
 * - `start` begins a generation and resolves when it runs. It rejects when it could not, after everything it had begun
 *   has ended again, and never calls `onEnd` then. It is only called when no generation is alive.
 * - `stop` tells the generation to end and resolves when it has, or when its deadline has passed; never rejects. A second
 *   call can only tighten the deadline. A child that is down resolves at once, after what its last generation still did.
 * - `onEnd` is called at most once per generation, only when a running one ends by itself.
 */
import type { Backoff } from './backoff.ts';
import { defaultBackoff } from './backoff.ts';
import type { ActorSnapshot, ChildOptions, EndReason } from './types.ts';

export interface Child {
  readonly path: string;
  readonly generation: number;
  readonly policy: RestartPolicy;
  /**
   * How long the present or last generation has been running well; 0 when its start failed. The time in a handler that
   * ended in its crash does not count, nor in a supervisor the row of failures that made it give up.
   */
  ranForMs(): number;
  /** The moment up to which `ranForMs` counts. */
  wellUntilMs(): number;
  start(): Promise<void>;
  stop(deadlineAtMs: number): Promise<void>;
  /** There will be no next generation: whatever still waits for one is dropped and counted. */
  discard(): void;
  snapshot(facts: SupervisionFacts): ActorSnapshot;
}

export interface ChildEvents {
  onEnd(reason: EndReason): void;
  /** The first message that a generation handled: proof that it works. */
  onHandled(): void;
}

/** What only the supervisor knows of a child. */
export interface SupervisionFacts {
  readonly restarts: number;
  readonly restartsInWindow: number;
  readonly consecutive: number;
  readonly waiting: boolean;
  readonly gaveUp: boolean;
}

export interface RestartPolicy {
  readonly restart: NonNullable<ChildOptions['restart']>;
  readonly backoff: Backoff;
  readonly consecutive: number;
  readonly healthyAfterMs: number;
}

export function restartPolicyOf(options: ChildOptions | undefined): RestartPolicy {
  return {
    restart: options?.restart ?? 'permanent',
    backoff: options?.backoff ?? defaultBackoff,
    consecutive: options?.consecutive ?? 5,
    healthyAfterMs: options?.healthyAfterMs ?? 10_000,
  };
}

export interface ActorLimits {
  readonly startDeadlineMs: number;
  readonly stopDeadlineMs: number;
  readonly messageDeadlineMs: number;
  readonly mailbox: number;
}

export function actorLimitsOf(options: ChildOptions | undefined): ActorLimits {
  return {
    startDeadlineMs: options?.startDeadlineMs ?? 5_000,
    stopDeadlineMs: options?.stopDeadlineMs ?? 5_000,
    messageDeadlineMs: options?.messageDeadlineMs ?? 30_000,
    mailbox: options?.mailbox ?? 10_000,
  };
}

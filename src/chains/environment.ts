/**
 * What the engine is given from outside: nothing below reaches for a clock, randomness, a logger or the environment.
 */
import type { Alerts } from '../alerts/alerts.ts';
import type { Availability } from '../database/availability.ts';
import type { PoolOptions } from '../database/pool.ts';
import type { Database } from '../database/session.ts';
import type { Signals } from '../signals/signals.ts';
import type { BreakerLimits } from './breaker-limits.ts';
import type { StepLog } from './define.ts';
import type { AnyDefinition } from './registry.ts';
import type { StopPoints } from './stop-points.ts';

export interface Clock {
  /** Monotonic milliseconds; only differences mean anything. What is due is decided by the database's clock alone. */
  monotonicMs(): number;
}

export interface EngineLog extends StepLog {
  error(fields: Record<string, unknown>, message: string): void;
}

/** The part of `src/database/availability.ts` that the engine needs: it reports connection errors, and waits. */
export type EngineAvailability = Pick<Availability, 'report' | 'whenUp'>;

/** Opens a pool on the engine's database, such as `(options) => openDatabase(url, options)`. */
export type OpenDatabase = (options: PoolOptions) => Database;

export interface NodeInfo {
  readonly host: string;
  readonly pid: number;
  readonly release: string;
  /** The last migration that this release knows. */
  readonly schema: string;
}

export interface EngineOptions {
  /** The engine's sessions carry its boot id in their application_name, so it opens its own, anew for each boot id. */
  readonly open: OpenDatabase;
  readonly definitions: readonly AnyDefinition[];
  readonly signals: Signals;
  readonly log: EngineLog;
  readonly clock: Clock;
  /** In [0, 1); jitter only. */
  readonly random: () => number;
  readonly nodeInfo: NodeInfo;
  readonly alerts: Alerts;
  /** Tells of the moment in which the database became another host, which may lack the last commits. Default: never. */
  readonly onMoved?: (listener: () => void) => () => void;
  readonly availability: EngineAvailability;
  /** Handlers at once. Default 64. */
  readonly lanes?: number;
  /** Default 6,000 ms: a node whose beat stood still for so long is dead. */
  readonly leaseMs?: number;
  /** Default 2,000 ms. */
  readonly beatMs?: number;
  /** Default 250 ms: how long the engine waits without a signal before it looks at the rows again. */
  readonly sweepMs?: number;
  /** Default 5,000 ms: time between two proofs of work, see proof.ts. */
  readonly proofMs?: number;
  /** Default 900,000 ms: how long a step may go on without progress when it declares no deadline of its own. */
  readonly stepDeadlineMs?: number;
  /** A chain that was running when so many processes died is quarantined. Default 10. */
  readonly quarantineAfter?: number;
  /**
   * Chains that were running when their process died: `leave` them to a process of their own, run `only` them (this is that
   * process, and what ends it is quarantined at once), or `take` them like any other until `quarantineAfter`. Default take.
   */
  readonly suspects?: 'take' | 'leave' | 'only';
  /** When a step that crashes is stopped. Default `breakerLimits`. */
  readonly breaker?: BreakerLimits;
  /** Default 5,000 ms: a ready chain that no node knows is blocked after that, and given back as soon when one does. */
  readonly unknownAfterMs?: number;
  /** Where attempts keep spool files. Default: a new directory in the system's temporary one. */
  readonly spoolRoot?: string;
  /** Default: none, at no cost. */
  readonly stopPoints?: StopPoints;
}

export type Settings = Required<Omit<EngineOptions, 'spoolRoot'>> & { readonly spoolRoot: string | null };

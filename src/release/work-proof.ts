/**
 * Law 6 for the watchdog: what has to be true now for this node to be called alive, and what `systemctl status` says of it.
 *
 * - the prober tried to reach the database lately; a node that no longer even tries is dead, whatever the database does
 * - while the database works, a row of this node's own went through claim, completion and commit lately (proof.ts)
 * - while it answers that it takes no writes (a full disk, read-only), and the engine's own loops ask it again and again,
 *   those fresh answers are the proof: killing the node would not make room; it is alerted instead
 * - while it is away, or its schema is being prepared, there is nothing to commit: the prober's tries are the proof
 *
 * "Lately" is the watchdog's interval, and never less than the slowest healthy prober or prover takes. A proof is owed only
 * once the database has worked for that long, so neither a start nor the end of an outage starves the watchdog.
 */

import type { EngineStatus } from '../chains/engine.ts';
import type { AvailabilityState } from '../database/availability.ts';

export interface LifeSigns {
  readonly database: AvailabilityState;
  readonly isPrepared: boolean;
  readonly probedMsAgo: number | null;
  /** How long the database has been up and prepared without a break; null while it is not. */
  readonly workingForMs: number | null;
  /** Null while the engine is being restarted. */
  readonly engine: EngineStatus | null;
  readonly openChains: number | null;
  /** By the wall clock, for a person. */
  readonly downSince: Date | null;
}

export interface Verdict {
  /** Whether work is proven, and the watchdog may be fed. */
  readonly proven: boolean;
  /** Why the database takes no writes, while that is what is waited for. */
  readonly refused?: string;
  /** One line. */
  readonly status: string;
}

/** A probe every 5 s that may take 5 s; a proof every 5 s. */
const slowestMs = 12_000;

export function judge(signs: LifeSigns, watchdogMs: number | null): Verdict {
  const latelyMs = Math.max(watchdogMs ?? 30_000, slowestMs);
  if (signs.probedMsAgo === null || signs.probedMsAgo > latelyMs) {
    return { proven: false, status: `failing: the database was last looked for ${ago(signs.probedMsAgo)}` };
  }
  if (signs.database.kind !== 'up') return { proven: true, status: awayStatus(signs) };
  if (!signs.isPrepared) return { proven: true, status: 'starting: the schema is being prepared' };
  const provenMsAgo = signs.engine?.provenMsAgo ?? null;
  const owed = signs.workingForMs !== null && signs.workingForMs > latelyMs;
  const refused = signs.engine?.refused ?? null;
  if (refused && refused.msAgo <= latelyMs) {
    return { proven: true, refused: refused.why, status: `degraded: the database takes no writes: ${refused.why}` };
  }
  if (owed && (provenMsAgo === null || provenMsAgo > latelyMs)) {
    return { proven: false, status: `failing: no row of this node's own got through, last ${ago(provenMsAgo)}` };
  }
  return { proven: true, status: workingStatus(signs) };
}

function awayStatus({ database, downSince }: LifeSigns): string {
  if (database.kind !== 'down' || !downSince) return 'degraded: the database is being probed';
  return `degraded: database unreachable since ${downSince.toISOString().slice(0, 19)}Z: ${database.error.message}`;
}

function workingStatus({ engine, openChains }: LifeSigns): string {
  if (!engine) return 'degraded: the engine is being restarted';
  const chains = openChains === null ? '' : `, ${openChains} chains open`;
  return `working: ${engine.busy} of ${engine.lanes} lanes busy${chains}`;
}

function ago(ms: number | null): string {
  return ms === null ? 'never' : `${Math.round(ms / 1_000)} s ago`;
}

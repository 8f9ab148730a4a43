/**
 * When a provider is left alone: after so many sessions in a row that failed on its side. Then one session tries, and what
 * becomes of that decides. Each node counts for itself; that the provider is closed is told to all (shared-limit.ts).
 */
import type { SessionResult } from '../session.ts';
import type { LimitsSpec } from '../spec/adapter.ts';

export interface BreakerState {
  /** Failures since the last success. */
  readonly failures: number;
  /** A session that tries for all is open. */
  readonly probing: boolean;
}

export const closedBreaker: BreakerState = { failures: 0, probing: false };

export function isTripped({ failures }: BreakerState, limits: LimitsSpec['breaker']): boolean {
  return failures >= limits.failures;
}

/** The state when a session begins; null when it may not, because another one is trying. */
export function begun(state: BreakerState, limits: LimitsSpec['breaker']): BreakerState | null {
  if (!isTripped(state, limits)) return state;
  return state.probing ? null : { ...state, probing: true };
}

/** The state when a session has ended, and whether the provider is to be left alone now. */
export function afterSession(
  state: BreakerState,
  result: SessionResult,
  limits: LimitsSpec['breaker'],
): { state: BreakerState; trips: boolean } {
  // it answered: whatever it said, it is there. Being told to wait says nothing.
  if (result === 'ok' || result === 'refused') return { state: closedBreaker, trips: false };
  if (result === 'waiting') return { state: { ...state, probing: false }, trips: false };
  const next = { failures: state.failures + 1, probing: false };
  return { state: next, trips: isTripped(next, limits) };
}

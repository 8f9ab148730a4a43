/**
 * How the engine waits for its database. A connection-class error is a state, reported and waited out; a transient one
 * (deadlock, serialization, lock timeout, too little memory or disk) is tried again. Neither burns an attempt.
 */
import { isConnectionError } from '../database/session.ts';
import type { EngineAvailability } from './environment.ts';
import { pause } from './wake.ts';

const baseMs = 20;
const capMs = 2_000;

/** SQLSTATE classes 40 and 53, and 55P03: nothing was written and the same may work soon. */
export function isTransient(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && (/^(40|53)...$/.test(code) || code === '55P03');
}

export interface Patience {
  /** Reports a connection error and waits until the database is up; false when the error is of another kind. */
  waitOut(error: unknown, signal: AbortSignal): Promise<boolean>;
  /** To be called after a success: the next wait is short again. */
  reset(): void;
  /** Failures in a row. */
  readonly failures: number;
}

/**
 * The wait grows with full jitter from 20 ms to 2 s, because the availability may already say "up" while this call keeps
 * failing. Rejects with the signal's reason when that aborts.
 */
export function createPatience(availability: EngineAvailability, random: () => number): Patience {
  let failures = 0;
  return {
    async waitOut(error, signal) {
      const connection = isConnectionError(error);
      if (!connection && !isTransient(error)) return false;
      if (connection) availability.report(error);
      await pause(random() * Math.min(capMs, baseMs * 2 ** Math.min(failures, 10)), signal);
      failures += 1;
      signal.throwIfAborted();
      await availability.whenUp(signal);
      return true;
    },
    reset() {
      failures = 0;
    },
    get failures() {
      return failures;
    },
  };
}

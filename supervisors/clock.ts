/**
 * Time as the library sees it: monotonic milliseconds and one-shot timers, both injected through `Environment` so that
 * tests can own them. A delay of `Infinity` never fires; delays beyond setTimeout's 2^31-1 ms are waited in pieces
 * (Node would silently turn them into 1 ms).
 */
import type { Environment } from './types.ts';

export interface Clock {
  now(): number;
  /** Runs `run` once after `delayMs`; returns a cancel function that may be called at any time. */
  timer(run: () => void, delayMs: number): () => void;
}

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;
const nothing = (): void => {};

export function clockOf(environment: Environment): Clock {
  const now = environment.now ?? (() => performance.now());
  const timer = environment.timer ?? realTimer;
  return {
    now,
    timer: (run, delayMs) => (delayMs === Infinity ? nothing : timer(run, Math.max(0, delayMs))),
  };
}

function realTimer(run: () => void, delayMs: number): () => void {
  if (delayMs > LONGEST_TIMEOUT_MS) return longTimer(run, delayMs);
  // Rounded up: setTimeout truncates, and a deadline that fires a fraction early would only have to be armed again.
  const handle = setTimeout(run, Math.ceil(delayMs));
  return () => clearTimeout(handle);
}

function longTimer(run: () => void, delayMs: number): () => void {
  let leftMs = delayMs;
  const next = () => {
    if (leftMs <= 0) run();
    else {
      const pieceMs = Math.min(leftMs, LONGEST_TIMEOUT_MS);
      leftMs -= pieceMs;
      handle = setTimeout(next, Math.ceil(pieceMs));
    }
  };
  let handle: NodeJS.Timeout | undefined;
  next();
  return () => clearTimeout(handle);
}

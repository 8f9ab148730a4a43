/** Time as alerts see it; tests pass their own. */
import { setTimeout as delay } from 'node:timers/promises';

export interface AlertClock {
  /** UTC epoch milliseconds. */
  nowMs(): number;
  /** Settles after `delayMs`, at once when `signal` aborts; never rejects and keeps no process alive. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: AlertClock = {
  nowMs: () => Date.now(),
  sleep: (delayMs, signal) => delay(delayMs, undefined, { signal, ref: false }).catch(() => undefined),
};

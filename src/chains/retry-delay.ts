/** How long a chain waits before its next try. Full jitter, so that what failed together does not come back together. */
import type { RetryPolicy } from './define.ts';

/** Random in [0, min(cap, delay * factor^(attempt - 1))], in milliseconds. `attempt` is the one that crashed, from 1. */
export function crashDelayMs(policy: RetryPolicy, attempt: number, random: () => number): number {
  const ceiling = Math.min(policy.capMs, policy.delayMs * policy.factor ** Math.max(0, attempt - 1));
  return Math.round(random() * ceiling);
}

const rejectionBaseMs = 5_000;
const rejectionCapMs = 15 * 60_000;

/** Doubles with every rejection from 5 s to 15 min; between half and all of it, so that it really grows. */
export function rejectionDelayMs(rejectionsBefore: number, random: () => number): number {
  const ceiling = Math.min(rejectionCapMs, rejectionBaseMs * 2 ** Math.min(rejectionsBefore, 20));
  return Math.round(ceiling * (0.5 + 0.5 * random()));
}

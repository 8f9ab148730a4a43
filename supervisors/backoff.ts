/**
 * Exponential backoff with full jitter: before restart n (n = failures in a row, from 1) the wait is uniformly random in
 * [0, min(capMs, baseMs * 2^(n-1))]. Full jitter keeps actors that died of one cause from coming back in step
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 */
export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

export const defaultBackoff: Backoff = { baseMs: 100, capMs: 10_000 };

export function backoffDelayMs(failures: number, backoff: Backoff, random: () => number): number {
  return random() * Math.min(backoff.capMs, backoff.baseMs * 2 ** (failures - 1));
}

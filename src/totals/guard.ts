/**
 * The guard before a swap (domain.md 4.3 d): totals that fall suddenly are more often a broken delivery or tariff than the
 * truth, so a person looks at them first. Limits are per contract, in percent; 100 never holds anything back.
 */
import { formatAmountE8 } from '../telecom/money.ts';

export interface GuardedSums {
  readonly records: bigint;
  readonly amountE8: bigint;
  /** Cancelled records of the cycle: those that came since explain as many missing ones. */
  readonly cancelledRecords: bigint;
}

export interface GuardLimits {
  readonly amountPercent: number;
  readonly recordsPercent: number;
}

/** Why a person has to look; null when the new sums may be published. */
export function suddenFall(before: GuardedSums, after: GuardedSums, limits: GuardLimits): string | null {
  const cancelled = after.cancelledRecords - before.cancelledRecords;
  const lost = before.records - after.records - (cancelled > 0n ? cancelled : 0n);
  if (falls(before.records, lost, limits.recordsPercent)) {
    return `${lost} of ${before.records} records are gone that nobody cancelled (more than ${limits.recordsPercent} %)`;
  }
  if (falls(before.amountE8, before.amountE8 - after.amountE8, limits.amountPercent)) {
    const [from, to] = [formatAmountE8(before.amountE8), formatAmountE8(after.amountE8)];
    return `the amount falls from ${from} to ${to} EUR (more than ${limits.amountPercent} %)`;
  }
  return null;
}

function falls(before: bigint, by: bigint, percent: number): boolean {
  return percent < 100 && before > 0n && by * 100n > before * BigInt(percent);
}

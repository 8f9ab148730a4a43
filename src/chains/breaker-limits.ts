/** When a step counts as one that crashes again and again. */

export interface BreakerLimits {
  /** Default 20 crashes, more than half of the runs, within 60,000 ms. */
  readonly crashes: number;
  readonly windowMs: number;
  /** Default 60,000 ms between two probes. */
  readonly probeMs: number;
}

export const breakerLimits: BreakerLimits = { crashes: 20, windowMs: 60_000, probeMs: 60_000 };

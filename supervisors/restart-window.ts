/**
 * The intensity rule: at most `intensity` restarts within any `periodMs` on the monotonic clock. A ring of the last
 * `intensity` restart times is all it takes: the next restart is allowed when the oldest of them has left the period.
 * As in OTP a restart exactly `periodMs` ago still counts. Intensity 0 allows none.
 */
export class RestartWindow {
  readonly intensity: number;
  readonly periodMs: number;
  /** Ring of the allowed restarts: when, and of which child. */
  readonly #atMs: number[] = [];
  readonly #child: number[] = [];
  #next = 0;

  constructor(intensity: number, periodMs: number) {
    this.intensity = intensity;
    this.periodMs = periodMs;
  }

  /** Takes one restart from the budget; false when there is none left, and then nothing is recorded. */
  take(nowMs: number, child: number): boolean {
    if (this.intensity === Infinity) return true;
    if (this.intensity === 0) return false;
    const oldestAtMs = this.#atMs[this.#next];
    if (oldestAtMs !== undefined && nowMs - oldestAtMs <= this.periodMs) return false;
    this.#atMs[this.#next] = nowMs;
    this.#child[this.#next] = child;
    this.#next = (this.#next + 1) % this.intensity;
    return true;
  }

  /** How many of the restarts within the period each child caused. */
  counts(nowMs: number): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    for (const [at, child] of this.#child.entries()) {
      if (nowMs - this.#atMs[at]! <= this.periodMs) counts.set(child, (counts.get(child) ?? 0) + 1);
    }
    return counts;
  }
}

/**
 * One restart of a span of children: stop what still runs of it in reverse order (which also awaits the end, or the
 * deadline, of the crashed generation), wait out the backoff, start the span in order.
 *
 * Crashes that arrive meanwhile:
 * - of a child in the span, before the starting began: it is restarted anyway, so nothing more happens and nothing is
 *   counted (`covers`), as in OTP.
 * - of a child before the span: the round begins again with the wider span.
 * - of a child the round has just started, or a failed start: the round begins again from there, with a new backoff.
 *
 * The backoff runs from the crash, not from the end of the stopping. A supervisor that is itself starting holds the
 * rounds of its group strategies until its last child has had its start. `cancel` ends a round at its next step for good;
 * every generation of a supervisor makes its rounds anew.
 */
import type { Clock } from './clock.ts';
import { toError } from './errors.ts';
import type { Slot } from './slot.ts';

export interface RoundHost {
  readonly clock: Clock;
  onRestarted(slot: Slot): void;
  onStartFailed(slot: Slot, error: Error): void;
}

export class RestartRound {
  readonly #slots: readonly Slot[];
  readonly #last: number;
  readonly #host: RoundHost;
  /** First child of a span that was asked for and not yet begun. */
  #requested: number | null = null;
  /** First child of the span that is being stopped or waits out its backoff. */
  #gathering: number | null = null;
  #readyAtMs = 0;
  #held: boolean;
  #running = false;
  #cancelled = false;
  #wake: (() => void) | null = null;

  constructor(slots: readonly Slot[], last: number, host: RoundHost, held: boolean) {
    this.#slots = slots;
    this.#last = last;
    this.#host = host;
    this.#held = held;
  }

  covers(child: number): boolean {
    return child >= Math.min(this.#requested ?? Infinity, this.#gathering ?? Infinity);
  }

  request(first: number, readyAtMs: number): void {
    this.#requested = Math.min(first, this.#requested ?? Infinity);
    this.#readyAtMs = Math.max(readyAtMs, this.#readyAtMs);
    this.#go();
  }

  release(): void {
    this.#held = false;
    this.#go();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#wake?.();
  }

  #go(): void {
    if (this.#held || this.#running || this.#cancelled || this.#requested === null) return;
    this.#running = true;
    void this.#run();
  }

  /** Never rejects: a child's `stop` does not, and a failed start is handed to the host. */
  async #run(): Promise<void> {
    while (this.#requested !== null && !this.#cancelled) {
      const first = this.#requested;
      this.#requested = null;
      this.#gathering = first;
      await this.#stopSpan(first);
      await this.#backoff(first);
      if (this.#cancelled) return;
      this.#gathering = null;
      if (this.#requested === null) await this.#startSpan(first);
    }
    this.#running = false;
  }

  async #stopSpan(first: number): Promise<void> {
    for (let child = this.#last; child >= first && !this.#cancelled; child -= 1) {
      const slot = this.#slots[child]!;
      await slot.child.stop(Infinity);
      if (slot.child.policy.restart === 'temporary' && !slot.done) slot.finish();
    }
  }

  async #backoff(first: number): Promise<void> {
    const delayMs = this.#readyAtMs - this.#host.clock.now();
    if (delayMs <= 0 || this.#cancelled) return;
    const waiting = this.#slots.slice(first, this.#last + 1).filter((slot) => !slot.done);
    for (const slot of waiting) slot.waiting = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancelTimer = this.#host.clock.timer(resolve, delayMs);
    this.#wake = resolve;
    await promise;
    this.#wake = null;
    cancelTimer();
    for (const slot of waiting) slot.waiting = false;
  }

  async #startSpan(first: number): Promise<void> {
    for (const slot of this.#slots.slice(first, this.#last + 1)) {
      if (slot.done) continue;
      try {
        await slot.child.start();
      } catch (thrown) {
        if (!this.#cancelled) this.#host.onStartFailed(slot, toError(thrown));
        return;
      }
      if (this.#cancelled) return;
      this.#host.onRestarted(slot);
      if (this.#requested !== null) return;
    }
  }
}

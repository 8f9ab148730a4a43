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
 * rounds of its group strategies until its last child has had its start, and so does whoever starts a child by hand.
 * `cancel` ends a round at its next step for good; every generation of a supervisor makes its rounds anew.
 *
 * A child that was stopped from outside meanwhile (`done`) is left out; when nobody is left to wait for, `nudge` ends the
 * backoff.
 */
import type { Clock } from './clock.ts';
import { toError } from './errors.ts';
import type { Slot } from './slot.ts';

export interface RoundHost {
  readonly clock: Clock;
  onRestarted(slot: Slot): void;
  onStartFailed(slot: Slot, error: Error): void;
  /** It was stopped and is not started again. */
  onFinished(slot: Slot): Promise<void>;
}

export class RestartRound {
  /** Those it can restart, in start order. */
  readonly #members: () => readonly Slot[];
  readonly #host: RoundHost;
  /** Order of the first child of a span that was asked for and not yet begun. */
  #requested: number | null = null;
  /** Order of the first child of the span that is being stopped or waits out its backoff. */
  #gathering: number | null = null;
  #readyAtMs = 0;
  #holds = 0;
  #running: Promise<void> | null = null;
  #cancelled = false;
  #waiting: readonly Slot[] = [];
  #wake: (() => void) | null = null;

  constructor(members: () => readonly Slot[], host: RoundHost) {
    this.#members = members;
    this.#host = host;
  }

  /** Settles when the restart under way is over; null when there is none. */
  get running(): Promise<void> | null {
    return this.#running;
  }

  covers(child: number): boolean {
    return child >= Math.min(this.#requested ?? Infinity, this.#gathering ?? Infinity);
  }

  request(first: number, readyAtMs: number): void {
    this.#requested = Math.min(first, this.#requested ?? Infinity);
    this.#readyAtMs = Math.max(readyAtMs, this.#readyAtMs);
    this.#go();
  }

  /** No restart begins before as many calls of `release`. */
  hold(): void {
    this.#holds += 1;
  }

  release(): void {
    this.#holds -= 1;
    this.#go();
  }

  nudge(): void {
    if (this.#waiting.every((slot) => slot.done)) this.#wake?.();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#wake?.();
  }

  #go(): void {
    if (this.#holds > 0 || this.#running !== null || this.#cancelled || this.#requested === null) return;
    this.#running = this.#run();
  }

  /** Never rejects: a child's `stop` does not, and a failed start is handed to the host. */
  async #run(): Promise<void> {
    while (this.#requested !== null && !this.#cancelled) {
      const first = this.#requested;
      this.#requested = null;
      this.#gathering = first;
      await this.#stopSpan(first);
      await this.#backoff(first);
      this.#gathering = null;
      if (this.#requested === null && !this.#cancelled) await this.#startSpan(first);
    }
    this.#running = null;
  }

  async #stopSpan(first: number): Promise<void> {
    for (const slot of this.#span(first).toReversed()) {
      if (this.#cancelled) return;
      await slot.child.stop(Infinity);
      if (slot.child.policy.restart === 'temporary' && !slot.done) void this.#host.onFinished(slot);
    }
  }

  async #backoff(first: number): Promise<void> {
    const delayMs = this.#readyAtMs - this.#host.clock.now();
    if (delayMs <= 0 || this.#cancelled) return;
    const waiting = this.#span(first).filter((slot) => !slot.done);
    for (const slot of waiting) slot.waiting = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancelTimer = this.#host.clock.timer(resolve, delayMs);
    this.#waiting = waiting;
    this.#wake = resolve;
    this.nudge();
    await promise;
    this.#wake = null;
    cancelTimer();
    for (const slot of waiting) slot.waiting = false;
  }

  async #startSpan(first: number): Promise<void> {
    for (const slot of this.#span(first)) {
      if (slot.done) continue;
      try {
        await slot.child.start();
      } catch (thrown) {
        if (this.#cancelled) return;
        // stopped from outside while it started: nothing failed
        if (slot.done) continue;
        this.#host.onStartFailed(slot, toError(thrown));
        return;
      }
      if (this.#cancelled) return;
      this.#host.onRestarted(slot);
      if (this.#requested !== null) return;
    }
  }

  #span(first: number): readonly Slot[] {
    return this.#members().filter((slot) => slot.order >= first);
  }
}

/**
 * The end of one life of an actor, from the decision to its last breath. What was in flight (handler, `init`, spawned
 * tasks) gets the first half of `stopDeadlineMs` to settle; then `terminate` runs, beside a handler that ignores its signal
 * if need be. It is over when all of that has settled, or when the deadline has passed: then that is reported as
 * `stop-deadline-missed`, and what still runs is left behind.
 *
 * A life with nothing in flight and nothing to terminate ends at once, without a timer.
 */
import type { ActorLimits } from './child.ts';
import { toError } from './errors.ts';
import type { Runtime } from './runtime.ts';
import type { EndReason } from './types.ts';
import type { Watchers } from './watchers.ts';

export interface EndingLife<State> {
  readonly path: string;
  readonly generation: number;
  readonly runtime: Runtime;
  readonly limits: ActorLimits;
  readonly watchers: Watchers;
  /** Null until `init` has given one. */
  readonly state: { readonly value: State } | null;
  readonly spec: { terminate?(state: State, reason: EndReason): void | Promise<void> };
  /** A handler, `init` or a task is in flight. */
  readonly busy: boolean;
  /** The promises of what is in flight. */
  unsettled(): Promise<unknown>[];
  onOver(): void;
}

export class Ending<State> {
  readonly reason: EndReason;
  readonly #life: EndingLife<State>;
  readonly #over = Promise.withResolvers<void>();
  #isOver = false;
  #terminated = false;
  #finishAtMs = Infinity;
  #cancelTimer: (() => void) | null = null;

  constructor(life: EndingLife<State>, reason: EndReason) {
    this.#life = life;
    this.reason = reason;
  }

  /** Resolves when the end is over or its deadline has passed. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  begin(): void {
    const { watchers, busy, state, spec, runtime, limits } = this.#life;
    if (!busy || this.reason.kind !== 'shutdown') watchers.down(this.reason);
    if (!busy && (state === null || spec.terminate === undefined)) {
      this.#done();
      return;
    }
    this.finishBy(runtime.clock.now() + limits.stopDeadlineMs);
    void this.#finish();
  }

  /** Bounds the end; can only bring it forward. */
  finishBy(atMs: number): void {
    if (this.#isOver || atMs >= this.#finishAtMs) return;
    this.#finishAtMs = atMs;
    this.#cancelTimer?.();
    const { clock } = this.#life.runtime;
    this.#cancelTimer = clock.timer(() => this.#missed(), atMs - clock.now());
  }

  /** Once, if there is a state and something to do with it. */
  async terminate(): Promise<void> {
    const { state, spec, runtime, path, generation } = this.#life;
    if (this.#terminated || state === null || spec.terminate === undefined) return;
    this.#terminated = true;
    try {
      await runtime.outsideMessages(() => spec.terminate?.(state.value, this.reason));
    } catch (thrown) {
      runtime.report({ type: 'crashed', path, generation, error: toError(thrown) });
    }
  }

  async #finish(): Promise<void> {
    const { runtime, watchers } = this.#life;
    const { clock } = runtime;
    const settled = Promise.allSettled(this.#life.unsettled());
    const half = Promise.withResolvers<void>();
    const cancelHalf = clock.timer(half.resolve, (this.#finishAtMs - clock.now()) / 2);
    await Promise.race([settled, half.promise, this.over]);
    cancelHalf();
    watchers.down(this.reason);
    await this.terminate();
    await settled;
    this.#done();
  }

  #missed(): void {
    const { runtime, path, generation, watchers } = this.#life;
    runtime.report({ type: 'stop-deadline-missed', path, generation });
    watchers.down(this.reason);
    void this.terminate();
    this.#done();
  }

  #done(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer?.();
    this.#life.onOver();
    this.#over.resolve();
  }
}

/**
 * A supervisor starts its children in order, restarts those that fail by its strategy, and stops them in the exact
 * reverse order. It is itself a child, of another supervisor or of the tree.
 *
 * Start: each child in order, each within its own deadline. If one does not start, those before it are stopped in reverse
 * order and the start fails; there is no retry at this level. A child that crashes while later ones still start counts
 * like any other crash.
 *
 * Restart: every crash of a permanent or transient child, every failed start of a restart and every normal exit of a
 * permanent child takes one from the budget of `intensity` restarts per `periodMs`. A crash or failed start is also one
 * more failure in a row of that child; a handled message, or a healthy run of `healthyAfterMs`, begins that count again.
 *
 * Giving up: when the budget is used up, or a child has failed `consecutive` times in a row, the supervisor stops its
 * children in reverse order, reports `gave-up` and ends; to its parent that is the crash of a child. A later start begins
 * with a fresh budget.
 *
 * Stop: in reverse, each child within its own deadline and all within the supervisor's. When that has passed, the rest is
 * told to stop at once and not waited for.
 *
 * Unlike OTP, a transient child that ended normally is not started again by a sibling's crash, only with its supervisor.
 *
 * A pool is a supervisor without children of its own: all are added at run time, each restarts alone, one that has ended
 * for good is forgotten, and they are told to stop together, latest first, instead of one after the other. What was added
 * or deleted at run time (`administration.ts`) lasts until this supervisor ends: its next generation has the spec's children.
 */
import { Administration, type AdministrationHost } from './administration.ts';
import { backoffDelayMs } from './backoff.ts';
import { type Child, type ChildEvents, type RestartPolicy, restartPolicyOf, type SupervisionFacts } from './child.ts';
import type { Clock } from './clock.ts';
import { DeadlineError, GaveUpError, StartError, toError } from './errors.ts';
import { Lineup } from './lineup.ts';
import type { RoundHost } from './restart-round.ts';
import { RestartWindow } from './restart-window.ts';
import type { Runtime } from './runtime.ts';
import type { Slot } from './slot.ts';
import { type Strategy, spanStart } from './strategy.ts';
import type { ActorSnapshot, ChildSpec, EndReason, PoolSpec, SupervisorSpec } from './types.ts';

/** Makes the child for a spec; passed in because the tree, not the supervisor, knows all kinds of children. */
export type MakeChild = (spec: ChildSpec, parentPath: string, events: ChildEvents) => Child;

type Phase = 'stopped' | 'starting' | 'running' | 'stopping' | 'gave-up';

export class Supervisor implements Child, RoundHost, AdministrationHost {
  readonly path: string;
  readonly policy: RestartPolicy;
  readonly clock: Clock;
  readonly administration: Administration;
  readonly lineup: Lineup;
  generation = 0;
  readonly #spec: SupervisorSpec | PoolSpec;
  readonly #runtime: Runtime;
  readonly #events: ChildEvents;
  readonly #strategy: Strategy;
  #phase: Phase = 'stopped';
  #window: RestartWindow;
  #failure: Error | null = null;
  #lastError: string | null = null;
  #runningSinceMs: number | null = null;
  #ranForMs = 0;
  #wellUntilMs = 0;
  #ended: Promise<void> = Promise.resolve();
  #stopAtMs = Infinity;
  #cancelStopTimer: (() => void) | null = null;

  constructor(
    spec: SupervisorSpec | PoolSpec,
    path: string,
    runtime: Runtime,
    events: ChildEvents,
    makeChild: MakeChild,
  ) {
    this.#spec = spec;
    this.path = path;
    this.policy = restartPolicyOf(spec.options);
    this.#runtime = runtime;
    this.clock = runtime.clock;
    this.#events = events;
    this.#strategy = spec.kind === 'pool' ? 'one_for_one' : (spec.strategy ?? 'one_for_one');
    this.#window = this.#newWindow();
    this.lineup = new Lineup(spec, this, (child, slot) => this.#makeChild(child, slot, makeChild));
    this.administration = new Administration(this);
  }

  get state(): ActorSnapshot['state'] {
    return this.#phase;
  }

  async start(): Promise<void> {
    const { clock } = this.#runtime;
    this.generation += 1;
    this.#phase = 'starting';
    this.#failure = null;
    this.#runningSinceMs = null;
    this.#ranForMs = 0;
    this.#stopAtMs = Infinity;
    this.#window = this.#newWindow();
    this.lineup.reset();
    this.lineup.groupRound?.hold();
    const limitMs = this.#spec.options?.startDeadlineMs ?? Infinity;
    const late = () => this.#fail(new DeadlineError(this.path, 'its start', limitMs, 'startDeadlineMs'));
    const cancelDeadline = clock.timer(late, limitMs);
    for (const slot of this.lineup.slots.values()) {
      if (!this.#is('starting')) break;
      try {
        await slot.child.start();
      } catch (thrown) {
        this.#fail(toError(thrown));
      }
    }
    cancelDeadline();
    if (!this.#is('starting')) {
      await this.#ended;
      throw this.#failure ?? new StartError(this.path, new Error('told to stop'));
    }
    this.#phase = 'running';
    this.#runningSinceMs = clock.now();
    this.lineup.groupRound?.release();
  }

  stop(deadlineAtMs: number): Promise<void> {
    const wasUp = this.#isUp();
    if (wasUp) this.#leave();
    if (this.#is('stopping')) this.#stopBy(deadlineAtMs);
    if (wasUp) {
      this.#ended = this.#stopChildren().then(() => {
        this.#phase = 'stopped';
      });
    }
    return this.#ended;
  }

  onRestarted(slot: Slot): void {
    slot.restarts += 1;
    this.#runtime.report({ type: 'restarted', path: slot.child.path, generation: slot.child.generation });
  }

  onStartFailed(slot: Slot, error: Error): void {
    this.#restart(slot, error, true);
  }

  /** A forgotten child keeps its place until its end is over: a stop of the tree has to wait for that too. */
  async onFinished(slot: Slot): Promise<void> {
    slot.finish();
    if (!this.lineup.forgets(slot)) return;
    await slot.child.stop(Infinity);
    this.lineup.remove(slot);
  }

  discard(): void {
    for (const slot of this.lineup.slots.values()) slot.child.discard();
  }

  ranForMs(): number {
    return this.#is('running') ? this.#runtime.clock.now() - (this.#runningSinceMs ?? 0) : this.#ranForMs;
  }

  wellUntilMs(): number {
    return this.#is('running') ? this.#runtime.clock.now() : this.#wellUntilMs;
  }

  snapshot(facts: SupervisionFacts): ActorSnapshot {
    const nowMs = this.#runtime.clock.now();
    const counts = this.#window.counts(nowMs);
    const children = Array.from(this.lineup.slots.values(), (slot) =>
      slot.child.snapshot(slot.facts(counts.get(slot.order) ?? 0)),
    );
    return {
      path: this.path,
      kind: 'supervisor',
      state: facts.waiting ? 'backoff' : this.#phase,
      generation: this.generation,
      restarts: facts.restarts,
      restartsInWindow: facts.restartsInWindow,
      consecutive: facts.consecutive,
      queued: children.reduce((sum, child) => sum + child.queued, 0),
      dropped: children.reduce((sum, child) => sum + child.dropped, 0),
      oldestMessageAgeMs: null,
      runningForMs: this.#is('running') ? this.ranForMs() : null,
      lastError: this.#lastError,
      about: null,
      children,
    };
  }

  #onChildEnd(slot: Slot, reason: EndReason): void {
    if (!this.#isUp() || slot.done) return;
    const { restart } = slot.child.policy;
    if (restart === 'temporary' || (restart === 'transient' && reason.kind === 'normal')) {
      void this.onFinished(slot);
      return;
    }
    if (reason.kind === 'crash' || reason.kind === 'gave-up') this.#restart(slot, reason.error, true);
    else this.#restart(slot, new Error(`the permanent child ${slot.child.path} ended normally`), false);
  }

  #restart(slot: Slot, error: Error, failed: boolean): void {
    if (slot.round.covers(slot.order)) return;
    const { clock, random, report } = this.#runtime;
    const { policy, path, generation } = slot.child;
    const { intensity, periodMs } = this.#window;
    if (slot.child.ranForMs() >= policy.healthyAfterMs) slot.consecutive = 0;
    if (failed) {
      if (slot.consecutive === 0) slot.failingSinceMs = slot.child.wellUntilMs();
      slot.consecutive += 1;
    }
    const wellUntilMs = slot.consecutive === 0 ? clock.now() : slot.failingSinceMs;
    if (slot.consecutive >= policy.consecutive) {
      slot.gaveUp = true;
      this.#fail(new GaveUpError(this.path, `${path} failed ${slot.consecutive} times in a row`, error), wellUntilMs);
    } else if (!this.#window.take(clock.now(), slot.order)) {
      this.#fail(
        new GaveUpError(this.path, `more than ${intensity} restarts within ${periodMs} ms`, error),
        wellUntilMs,
      );
    } else {
      const delayMs = backoffDelayMs(Math.max(1, slot.consecutive), policy.backoff, random);
      report({ type: 'restarting', path, generation: generation + 1, delayMs });
      slot.round.request(spanStart(this.#strategy, slot.order), clock.now() + delayMs);
    }
  }

  /**
   * Stops everything. A start that was under way then rejects with `error`; a running supervisor has given up. What came
   * after `wellUntilMs` does not count as its health.
   */
  #fail(error: Error, wellUntilMs = this.#runtime.clock.now()): void {
    if (!this.#isUp()) return;
    const wasRunning = this.#is('running');
    this.#failure = error;
    this.#lastError = error.message;
    this.#leave(wellUntilMs);
    this.#stopBy(Infinity);
    this.#ended = this.#stopChildren().then(() => {
      this.#phase = wasRunning ? 'gave-up' : 'stopped';
      // a child's giving up that fails this start has been told by the child
      const own = error instanceof GaveUpError && error.path === this.path;
      if (own) this.#runtime.report({ type: 'gave-up', path: this.path, error });
      if (wasRunning) this.#events.onEnd({ kind: 'gave-up', error });
    });
  }

  #leave(wellUntilMs = this.#runtime.clock.now()): void {
    this.#ranForMs = this.#is('running') ? Math.max(0, wellUntilMs - (this.#runningSinceMs ?? 0)) : this.#ranForMs;
    this.#wellUntilMs = wellUntilMs;
    this.#phase = 'stopping';
    for (const slot of this.lineup.slots.values()) slot.round.cancel();
  }

  /** Bounds the stop, by its own deadline too; can only bring it forward. */
  #stopBy(deadlineAtMs: number): void {
    const { clock } = this.#runtime;
    const atMs = Math.min(deadlineAtMs, clock.now() + (this.#spec.options?.stopDeadlineMs ?? Infinity));
    if (atMs >= this.#stopAtMs) return;
    this.#stopAtMs = atMs;
    this.#cancelStopTimer?.();
    this.#cancelStopTimer = clock.timer(() => {
      for (const slot of this.lineup.latestFirst()) void slot.child.stop(clock.now());
    }, atMs - clock.now());
  }

  async #stopChildren(): Promise<void> {
    const latestFirst = this.lineup.latestFirst();
    if (this.#spec.kind === 'pool') await Promise.all(latestFirst.map((slot) => slot.child.stop(this.#stopAtMs)));
    else for (const slot of latestFirst) await slot.child.stop(this.#stopAtMs);
    this.#cancelStopTimer?.();
    this.#cancelStopTimer = null;
  }

  #makeChild(spec: ChildSpec, slot: () => Slot, makeChild: MakeChild): Child {
    return makeChild(spec, this.path, {
      onEnd: (reason) => this.#onChildEnd(slot(), reason),
      onHandled: () => {
        slot().consecutive = 0;
      },
    });
  }

  #newWindow(): RestartWindow {
    return new RestartWindow(this.#spec.intensity ?? 3, this.#spec.periodMs ?? 300_000);
  }

  #isUp(): boolean {
    return this.#phase === 'starting' || this.#phase === 'running';
  }

  #is(phase: Phase): boolean {
    return this.#phase === phase;
  }
}

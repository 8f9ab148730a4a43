/**
 * The lasting side of one actor: its address, its queue, its generation counter. Incarnations come and go inside it.
 *
 * Messages are taken while an incarnation is alive (starting or running). The queue outlives incarnations: what waited at
 * a crash is handled by the next one, in order; only the message whose handler crashed is gone. When no next one can come
 * (temporary, normal exit, end of the tree) the rest is dropped and counted.
 */
import { addressOf, type Target } from './address.ts';
import type { Body } from './body.ts';
import {
  type ActorLimits,
  actorLimitsOf,
  type Child,
  type ChildEvents,
  type RestartPolicy,
  restartPolicyOf,
  type SupervisionFacts,
} from './child.ts';
import type { Clock } from './clock.ts';
import { DropCounter } from './drops.ts';
import { errorOf } from './end-reason.ts';
import { toError } from './errors.ts';
import { Incarnation } from './incarnation.ts';
import { MessageQueue } from './queue.ts';
import type { Runtime } from './runtime.ts';
import type { ActorRef, ActorSnapshot, ActorSpec, EndReason, SendResult } from './types.ts';

export class Cell<Message, State> implements Child, Target<Message>, Body<Message, State> {
  readonly path: string;
  readonly spec: ActorSpec<Message, State>;
  readonly policy: RestartPolicy;
  readonly limits: ActorLimits;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly ref: ActorRef<Message>;
  readonly queue = new MessageQueue<Message>();
  generation = 0;
  readonly #events: ChildEvents;
  readonly #drops: DropCounter;
  #life: Incarnation<Message, State> | null = null;
  #lastReason: EndReason = { kind: 'shutdown' };
  #lastError: string | null = null;

  constructor(spec: ActorSpec<Message, State>, path: string, runtime: Runtime, events: ChildEvents) {
    this.spec = spec;
    this.path = path;
    this.policy = restartPolicyOf(spec.options);
    this.limits = actorLimitsOf(spec.options);
    this.runtime = runtime;
    this.clock = runtime.clock;
    this.#events = events;
    this.#drops = new DropCounter(path, runtime);
    this.ref = addressOf<Message>(this);
  }

  start(): Promise<void> {
    this.generation += 1;
    const life = new Incarnation<Message, State>(this, this.generation);
    this.#life = life;
    life.watchers.add((reason) => this.#remember(reason));
    return life.start();
  }

  stop(deadlineAtMs: number): Promise<void> {
    return this.#life?.stop(deadlineAtMs) ?? Promise.resolve();
  }

  accept(message: Message): SendResult {
    const life = this.#life;
    if (life === null || !life.alive) {
      this.#drops.add(1);
      return 'down';
    }
    if (this.queue.length >= this.limits.mailbox) {
      this.#drops.add(1);
      return 'full';
    }
    this.queue.push({ message, trace: this.runtime.trace?.capture(), sentAtMs: this.clock.now() });
    life.notify();
    return 'ok';
  }

  acceptOwn(message: Message, trace: unknown): void {
    this.queue.push({ message, trace, sentAtMs: this.clock.now() });
    this.#life?.notify();
  }

  /** Throws what `parse` throws, or an Error when the actor has none. */
  control(control: unknown): SendResult {
    if (this.spec.parse === undefined) throw new Error(`${this.path} takes no control messages (it has no parse)`);
    return this.accept(this.spec.parse(control));
  }

  watch(onDown: (reason: EndReason) => void): () => void {
    const cancel = this.#life?.watchers.add(onDown);
    if (cancel) return cancel;
    let cancelled = false;
    queueMicrotask(() => {
      if (!cancelled) onDown(this.#lastReason);
    });
    return () => {
      cancelled = true;
    };
  }

  onEnd(reason: EndReason): void {
    this.#events.onEnd(reason);
  }

  onHandled(): void {
    this.#events.onHandled();
  }

  ranForMs(): number {
    const sinceMs = this.#life?.runningSinceMs ?? null;
    return sinceMs === null ? 0 : Math.max(0, this.wellUntilMs() - sinceMs);
  }

  wellUntilMs(): number {
    const life = this.#life;
    // a life that never ran was never well: its failure begins now
    return life?.runningSinceMs == null ? this.clock.now() : (life.wellUntilMs ?? this.clock.now());
  }

  discard(): void {
    const left = this.queue.clear();
    if (left > 0) this.#drops.add(left);
    this.#drops.flush();
  }

  snapshot(facts: SupervisionFacts): ActorSnapshot {
    const life = this.#life;
    const oldest = this.queue.peek();
    return {
      path: this.path,
      kind: 'actor',
      state: this.#stateName(facts),
      generation: this.generation,
      restarts: facts.restarts,
      restartsInWindow: facts.restartsInWindow,
      consecutive: facts.consecutive,
      queued: this.queue.length,
      dropped: this.#drops.total,
      oldestMessageAgeMs: oldest === undefined ? null : this.clock.now() - oldest.sentAtMs,
      runningForMs: life?.phase === 'running' ? this.ranForMs() : null,
      lastError: this.#lastError,
      about: this.#about(life),
      children: [],
    };
  }

  #stateName(facts: SupervisionFacts): ActorSnapshot['state'] {
    switch (this.#life?.phase) {
      case 'starting':
      case 'running':
        return this.#life.phase;
      case 'ending':
        return 'stopping';
      default:
        if (facts.gaveUp) return 'gave-up';
        return facts.waiting ? 'backoff' : 'stopped';
    }
  }

  #about(life: Incarnation<Message, State> | null): Record<string, unknown> | null {
    const state = life?.describable;
    if (state === undefined || this.spec.describe === undefined) return null;
    try {
      return this.spec.describe(state);
    } catch (thrown) {
      return { describeFailed: toError(thrown).message };
    }
  }

  #remember(reason: EndReason): void {
    this.#lastReason = reason;
    this.#lastError = errorOf(reason)?.message ?? this.#lastError;
  }
}

/**
 * One life of an actor, from `init` to its end. Its phases only go forward:
 *
 * - `starting`: `init` runs, bounded by `startDeadlineMs`. Messages are accepted and wait.
 * - `running`: one handler at a time. A handler that throws, rejects or outlasts `messageDeadlineMs` is a crash; the
 *   message it had is lost, those behind it stay in the queue for the next incarnation.
 * - `ending`: decided and told. No handler starts any more, timers and monitors are cancelled, the signal has aborted.
 *   What was in flight (handler, `init`, spawned tasks) gets the first half of `stopDeadlineMs` to settle; then
 *   `terminate` runs, beside a handler that ignores its signal if need be. A result that arrives now is only kept for
 *   `terminate`, an error is ignored.
 * - `ended`: all of that is over, or `stopDeadlineMs` has passed (`stop-deadline-missed`); what still runs runs alone and
 *   can no longer reach the state of anyone.
 *
 * Watchers hear DOWN once: at a crash or normal exit at once; at a shutdown when the handler in flight has settled, since
 * it may still answer. A handler that blocks the event loop cannot be interrupted by any deadline.
 *
 * The deadline costs no timer per message: one timer per incarnation is armed by the first asynchronous handler and,
 * when it fires, armed again for what is left to the handler then running.
 */

import type { ActorLimits } from './child.ts';
import { contextOf, type Life } from './context.ts';
import { DeadlineError, StartError, toError } from './errors.ts';
import type { Mailbox } from './mailbox.ts';
import type { Envelope, MessageQueue } from './queue.ts';
import type { Runtime } from './runtime.ts';
import { type ActorContext, type ActorRef, type ActorSpec, type EndReason, type Exit, exit } from './types.ts';
import { Watchers } from './watchers.ts';

export interface Body<Message, State> {
  readonly spec: ActorSpec<Message, State>;
  readonly limits: ActorLimits;
  readonly runtime: Runtime;
  readonly ref: ActorRef<Message>;
  readonly queue: MessageQueue<Message>;
  onEnd(reason: EndReason): void;
  onHandled(): void;
  /** A message from one of its own timers; passes the mailbox bound. */
  acceptOwn(message: Message, trace: unknown): void;
}

type Phase = 'starting' | 'running' | 'ending' | 'ended';

export class Incarnation<Message, State> implements Life<Message> {
  readonly generation: number;
  readonly watchers = new Watchers();
  phase: Phase = 'starting';
  runningSinceMs: number | null = null;
  ranForMs = 0;
  readonly #body: Body<Message, State>;
  readonly #context: ActorContext<Message>;
  readonly #mailbox: Mailbox;
  readonly #abort = new AbortController();
  readonly #started = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #tasks = new Set<Promise<void>>();
  /** Cancels the timers and monitors of this incarnation. */
  readonly #cancels = new Set<() => void>();
  #state: { value: State } | null = null;
  #current: Envelope<Message> | null = null;
  #inFlight: Promise<void> | null = null;
  #handlerSinceMs = 0;
  #scheduled = false;
  #proved = false;
  #terminated = false;
  #cancelDeadline: (() => void) | null = null;
  #finishAtMs = Infinity;
  #reason: EndReason = { kind: 'shutdown' };

  constructor(body: Body<Message, State>, generation: number) {
    this.#body = body;
    this.generation = generation;
    this.#context = contextOf(this, body.ref, body.runtime, this.#abort.signal);
    const name = `${body.ref.path.replaceAll('/', '+')}.${generation}`;
    this.#mailbox = body.runtime.mailboxes.open(name, this.#turn, (error) => this.crash(error));
  }

  get alive(): boolean {
    return this.phase === 'starting' || this.phase === 'running';
  }

  /** Resolves when the end is over or its deadline has passed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get describable(): State | undefined {
    return this.phase === 'running' ? this.#state?.value : undefined;
  }

  start(): Promise<void> {
    const { spec, limits, runtime, ref } = this.#body;
    const late = () => this.crash(new DeadlineError(ref.path, 'init', limits.startDeadlineMs, 'startDeadlineMs'));
    this.#cancelDeadline = runtime.clock.timer(late, limits.startDeadlineMs);
    const init = async () => runtime.outsideMessages(() => spec.init(this.#context));
    this.#inFlight = init().then(this.#onBorn, this.#onError);
    return this.#started.promise;
  }

  notify(): void {
    if (this.phase !== 'running' || this.#scheduled) return;
    this.#scheduled = true;
    this.#mailbox.wake();
  }

  crash(error: Error): void {
    if (!this.alive) return;
    this.#body.runtime.report({ type: 'crashed', path: this.#body.ref.path, generation: this.generation, error });
    this.end({ kind: 'crash', error });
  }

  end(reason: EndReason): void {
    if (!this.alive) return;
    const wasStarting = this.phase === 'starting';
    this.phase = 'ending';
    this.#reason = reason;
    const { clock } = this.#body.runtime;
    if (this.runningSinceMs !== null) this.ranForMs = clock.now() - this.runningSinceMs;
    this.#mailbox.close();
    this.#cancelDeadline?.();
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    const cause = reason.kind === 'crash' || reason.kind === 'gave-up' ? reason.error : new Error(reason.kind);
    this.#abort.abort(cause);
    if (reason.kind !== 'shutdown') this.watchers.down(reason);
    this.finishBy(clock.now() + this.#body.limits.stopDeadlineMs);
    void this.#finish();
    if (wasStarting) this.#started.reject(new StartError(this.#body.ref.path, cause));
    else if (reason.kind !== 'shutdown') this.#body.onEnd(reason);
  }

  /** Bounds the end; can only bring it forward. */
  finishBy(atMs: number): void {
    if (this.phase !== 'ending' || atMs >= this.#finishAtMs) return;
    this.#finishAtMs = atMs;
    this.#cancelDeadline?.();
    const { clock } = this.#body.runtime;
    this.#cancelDeadline = clock.timer(() => this.#missed(), atMs - clock.now());
  }

  track(cancel: () => void): () => void {
    if (!this.alive) {
      cancel();
      return cancel;
    }
    this.#cancels.add(cancel);
    return () => {
      this.#cancels.delete(cancel);
      cancel();
    };
  }

  untrack(cancel: () => void): void {
    this.#cancels.delete(cancel);
  }

  sendOwn(message: Message, trace: unknown): void {
    if (this.alive) this.#body.acceptOwn(message, trace);
  }

  run(task: () => Promise<void>): void {
    if (!this.alive) return;
    const running = (async () => task())()
      .catch((thrown) => this.crash(toError(thrown)))
      .finally(() => this.#tasks.delete(running));
    this.#tasks.add(running);
  }

  readonly #turn = (): void | Promise<void> => {
    if (this.phase !== 'running') return;
    const envelope = this.#body.queue.shift();
    if (envelope === undefined) {
      this.#scheduled = false;
      return;
    }
    this.#current = envelope;
    const { trace } = this.#body.runtime;
    let result: State | Exit | Promise<State | Exit>;
    try {
      result = trace === undefined ? this.#receive() : trace.restore(envelope.trace, this.#receive);
    } catch (thrown) {
      this.crash(toError(thrown));
      return;
    }
    if (!isPromise(result)) {
      this.#onHandled(result);
      return;
    }
    this.#handlerSinceMs = this.#body.runtime.clock.now();
    this.#cancelDeadline ??= this.#armDeadline(this.#body.limits.messageDeadlineMs);
    this.#inFlight = Promise.resolve(result).then(this.#onHandled, this.#onError);
    return this.#inFlight;
  };

  readonly #receive = (): State | Exit | Promise<State | Exit> =>
    // Both are set whenever a turn runs: #state since `running`, #current by the turn itself.
    this.#body.spec.receive(this.#state!.value, this.#current!.message, this.#context);

  readonly #onBorn = (state: State): void => {
    this.#inFlight = null;
    this.#state = { value: state };
    if (this.phase === 'starting') {
      this.phase = 'running';
      this.runningSinceMs = this.#body.runtime.clock.now();
      this.#cancelDeadline?.();
      this.#cancelDeadline = null;
      if (this.#body.queue.length > 0) this.notify();
      this.#started.resolve();
    } else if (this.phase === 'ended') {
      // `init` outlasted even its stop deadline: what it opened must still be closed.
      void this.#terminate();
    }
  };

  readonly #onHandled = (result: State | Exit): void => {
    this.#inFlight = null;
    this.#current = null;
    if (result !== exit) this.#state!.value = result as State;
    if (this.phase !== 'running') return;
    if (!this.#proved) {
      this.#proved = true;
      this.#body.onHandled();
    }
    if (result === exit) this.end({ kind: 'normal' });
    else if (this.#body.queue.length > 0) this.#mailbox.wake();
    else this.#scheduled = false;
  };

  readonly #onError = (thrown: unknown): void => {
    this.#inFlight = null;
    this.crash(toError(thrown));
  };

  #armDeadline(delayMs: number): () => void {
    return this.#body.runtime.clock.timer(() => {
      this.#cancelDeadline = null;
      if (this.phase !== 'running' || this.#inFlight === null) return;
      const { runtime, limits, ref } = this.#body;
      const leftMs = this.#handlerSinceMs + limits.messageDeadlineMs - runtime.clock.now();
      if (leftMs > 0) this.#cancelDeadline = this.#armDeadline(leftMs);
      else this.crash(new DeadlineError(ref.path, 'a handler', limits.messageDeadlineMs, 'messageDeadlineMs'));
    }, delayMs);
  }

  async #finish(): Promise<void> {
    const { clock } = this.#body.runtime;
    const settled = Promise.allSettled([this.#inFlight, ...this.#tasks]);
    const half = Promise.withResolvers<void>();
    const cancelHalf = clock.timer(half.resolve, (this.#finishAtMs - clock.now()) / 2);
    await Promise.race([settled, half.promise, this.ended]);
    cancelHalf();
    this.watchers.down(this.#reason);
    await this.#terminate();
    await settled;
    this.#done();
  }

  async #terminate(): Promise<void> {
    const { spec, runtime, ref } = this.#body;
    const state = this.#state;
    if (this.#terminated || state === null || spec.terminate === undefined) return;
    this.#terminated = true;
    try {
      await runtime.outsideMessages(() => spec.terminate?.(state.value, this.#reason));
    } catch (thrown) {
      runtime.report({ type: 'crashed', path: ref.path, generation: this.generation, error: toError(thrown) });
    }
  }

  #missed(): void {
    if (this.phase !== 'ending') return;
    const { runtime, ref } = this.#body;
    runtime.report({ type: 'stop-deadline-missed', path: ref.path, generation: this.generation });
    this.watchers.down(this.#reason);
    void this.#terminate();
    this.#done();
  }

  #done(): void {
    if (this.phase === 'ended') return;
    this.phase = 'ended';
    this.#cancelDeadline?.();
    this.#ended.resolve();
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return value instanceof Promise || typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

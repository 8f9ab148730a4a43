/**
 * One life of an actor, from `init` to its end. Its phases only go forward:
 *
 * - `starting`: `init` runs, bounded by `startDeadlineMs`. Messages are accepted and wait.
 * - `running`: one handler at a time. A handler that throws, rejects or outlasts `messageDeadlineMs` is a crash; the
 *   message it had is lost, those behind it stay in the queue for the next incarnation.
 * - `ending`: decided and told. No handler starts any more, timers and monitors are cancelled, the signal has aborted,
 *   what was in flight settles and `terminate` runs (`ending.ts`). A result that arrives now is only kept for `terminate`,
 *   an error is ignored.
 * - `ended`: all of that is over, or its deadline has passed; what still runs runs alone and can no longer reach the state
 *   of anyone.
 *
 * Watchers hear DOWN once: at a crash or normal exit at once; at a shutdown when the handler in flight has settled, since
 * it may still answer. A handler that blocks the event loop cannot be interrupted by any deadline.
 *
 * A turn of the mailbox handles up to 16 waiting messages, one after the other, as long as they take less than 1 ms.
 *
 * The deadline costs no timer per message: one timer per incarnation is armed by the first asynchronous handler and,
 * when it fires, armed again for what is left to the handler then running.
 */
import type { Body } from './body.ts';
import type { ActorLimits } from './child.ts';
import { contextOf, type Life } from './context.ts';
import { abortReasonOf } from './end-reason.ts';
import { Ending, type EndingLife } from './ending.ts';
import { DeadlineError, StartError, toError } from './errors.ts';
import type { Mailbox } from './mailbox.ts';
import type { Envelope } from './queue.ts';
import type { Runtime } from './runtime.ts';
import { type ActorContext, type ActorSpec, type EndReason, type Exit, exit } from './types.ts';
import { Watchers } from './watchers.ts';

type Phase = 'starting' | 'running' | 'ending' | 'ended';

/** So many messages, or so long, in one turn: what a turn itself costs is shared, and I/O still waits for nobody long. */
const TURN_MESSAGES = 16;
const TURN_MS = 1;

export class Incarnation<Message, State> implements Life<Message>, EndingLife<State> {
  readonly path: string;
  readonly generation: number;
  readonly runtime: Runtime;
  readonly limits: ActorLimits;
  readonly spec: ActorSpec<Message, State>;
  readonly watchers = new Watchers();
  phase: Phase = 'starting';
  runningSinceMs: number | null = null;
  /** When it ended, or when the handler began that it crashed in or with: that is no health. Null while it lives. */
  wellUntilMs: number | null = null;
  readonly #body: Body<Message, State>;
  readonly #context: ActorContext<Message>;
  /** Opened by the first message: many an actor of a pool gets none. */
  #mailbox: Mailbox | null = null;
  #abort: AbortController | null = null;
  readonly #started = Promise.withResolvers<void>();
  readonly #tasks = new Set<Promise<void>>();
  /** Cancels the timers and monitors of this incarnation. */
  readonly #cancels = new Set<() => void>();
  state: { value: State } | null = null;
  #current: Envelope<Message> | null = null;
  #inFlight: Promise<void> | null = null;
  #turnSinceMs = 0;
  #handledInTurn = 0;
  #handlerSinceMs = 0;
  #scheduled = false;
  #proved = false;
  #cancelDeadline: (() => void) | null = null;
  #ending: Ending<State> | null = null;

  constructor(body: Body<Message, State>, generation: number) {
    this.#body = body;
    this.path = body.ref.path;
    this.generation = generation;
    this.runtime = body.runtime;
    this.limits = body.limits;
    this.spec = body.spec;
    this.#context = contextOf(this, body.ref, body.runtime);
  }

  get alive(): boolean {
    return this.phase === 'starting' || this.phase === 'running';
  }

  get busy(): boolean {
    return this.#inFlight !== null || this.#current !== null || this.#tasks.size > 0;
  }

  get describable(): State | undefined {
    return this.phase === 'running' ? this.state?.value : undefined;
  }

  /** Made when it is asked for: few handlers look at it, and it is the dearest part of a life. */
  get signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#ending !== null) this.#abort.abort(abortReasonOf(this.#ending.reason));
    }
    return this.#abort.signal;
  }

  start(): Promise<void> {
    const { spec, limits, runtime, path } = this;
    let born: State | Promise<State>;
    try {
      born = runtime.outsideMessages(() => spec.init(this.#context));
      if (!isPromise(born)) this.#onBorn(born);
    } catch (thrown) {
      this.#onError(thrown);
      return this.#started.promise;
    }
    if (!isPromise(born)) return this.#started.promise;
    const late = () => this.crash(new DeadlineError(path, 'init', limits.startDeadlineMs, 'startDeadlineMs'));
    if (this.alive) this.#cancelDeadline = runtime.clock.timer(late, limits.startDeadlineMs);
    this.#inFlight = Promise.resolve(born).then(this.#onBorn, this.#onError);
    return this.#started.promise;
  }

  notify(): void {
    if (this.phase !== 'running' || this.#scheduled) return;
    this.#scheduled = true;
    this.#wake();
  }

  crash(error: Error): void {
    if (!this.alive) return;
    this.runtime.report({ type: 'crashed', path: this.path, generation: this.generation, error });
    this.end({ kind: 'crash', error });
  }

  end(reason: EndReason): void {
    if (!this.alive) return;
    const wasStarting = this.phase === 'starting';
    this.phase = 'ending';
    this.#ending = new Ending<State>(this, reason);
    const hangs = reason.kind === 'crash' && this.#inFlight !== null;
    this.wellUntilMs ??= hangs ? this.#handlerSinceMs : this.runtime.clock.now();
    this.#mailbox?.close();
    this.#cancelDeadline?.();
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    this.#abort?.abort(abortReasonOf(reason));
    this.#ending.begin();
    if (wasStarting) this.#started.reject(new StartError(this.path, abortReasonOf(reason)));
    else if (reason.kind !== 'shutdown') this.#body.onEnd(reason);
  }

  /** Ends it if it lives, by then at the latest; resolves when that is over. */
  stop(deadlineAtMs: number): Promise<void> {
    this.end({ kind: 'shutdown' });
    this.#ending?.finishBy(deadlineAtMs);
    return this.#ending?.over ?? Promise.resolve();
  }

  unsettled(): Promise<unknown>[] {
    return this.#inFlight === null ? [...this.#tasks] : [this.#inFlight, ...this.#tasks];
  }

  onOver(): void {
    this.phase = 'ended';
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

  get #name(): string {
    return `${this.path.replaceAll('/', '+')}.${this.generation}`;
  }

  readonly #turn = (): void => {
    this.#turnSinceMs = this.runtime.clock.now();
    this.#handledInTurn = 0;
    this.#work();
  };

  /** Until the turn is used up, a handler is asynchronous (then it goes on when that has settled), or nothing waits. */
  #work(): void {
    const { trace, clock } = this.runtime;
    while (this.phase === 'running') {
      const { queue } = this.#body;
      if (queue.length === 0 || !this.#mayGoOn()) {
        this.#scheduled = queue.length > 0;
        if (this.#scheduled) this.#wake();
        return;
      }
      const envelope = queue.shift()!;
      this.#current = envelope;
      let result: State | Exit | Promise<State | Exit>;
      try {
        // looking is cheaper than restoring, and often the turn is in the context of its message already
        const there = trace === undefined || trace.capture() === envelope.trace;
        result = there ? this.#receive() : trace.restore(envelope.trace, this.#receive);
      } catch (thrown) {
        this.#onError(thrown);
        return;
      }
      if (isPromise(result)) {
        this.#handlerSinceMs = clock.now();
        this.#cancelDeadline ??= this.#armDeadline(this.limits.messageDeadlineMs);
        this.#inFlight = Promise.resolve(result).then(this.#onHandledLater, this.#onError);
        return;
      }
      this.#onHandled(result);
    }
  }

  #mayGoOn(): boolean {
    if (this.#handledInTurn === 0) return true;
    return this.#handledInTurn < TURN_MESSAGES && this.runtime.clock.now() - this.#turnSinceMs < TURN_MS;
  }

  readonly #receive = (): State | Exit | Promise<State | Exit> =>
    // Both are set whenever a turn runs: #state since `running`, #current by the turn itself.
    this.spec.receive(this.state!.value, this.#current!.message, this.#context);

  readonly #onBorn = (state: State): void => {
    this.#inFlight = null;
    this.state = { value: state };
    if (this.phase === 'starting') {
      this.phase = 'running';
      this.runningSinceMs = this.runtime.clock.now();
      this.#cancelDeadline?.();
      this.#cancelDeadline = null;
      if (this.#body.queue.length > 0) this.notify();
      this.#started.resolve();
    } else if (this.phase === 'ended') {
      // `init` outlasted even its stop deadline: what it opened must still be closed.
      void this.#ending?.terminate();
    }
  };

  readonly #onHandledLater = (result: State | Exit): void => {
    this.#inFlight = null;
    this.#onHandled(result);
    this.#work();
  };

  #onHandled(result: State | Exit): void {
    this.#current = null;
    this.#handledInTurn += 1;
    if (result !== exit) this.state!.value = result as State;
    if (this.phase !== 'running') return;
    if (!this.#proved) {
      this.#proved = true;
      this.#body.onHandled();
    }
    if (result === exit) this.end({ kind: 'normal' });
  }

  readonly #onError = (thrown: unknown): void => {
    this.wellUntilMs ??= this.#inFlight === null ? this.#turnSinceMs : this.#handlerSinceMs;
    this.#inFlight = null;
    this.#current = null;
    this.crash(toError(thrown));
  };

  #wake(): void {
    this.#mailbox ??= this.runtime.mailboxes.open(this.#name, this.#turn, (error) => this.crash(error));
    this.#mailbox.wake();
  }

  #armDeadline(delayMs: number): () => void {
    return this.runtime.clock.timer(() => {
      this.#cancelDeadline = null;
      if (this.phase !== 'running' || this.#inFlight === null) return;
      const limitMs = this.limits.messageDeadlineMs;
      const leftMs = this.#handlerSinceMs + limitMs - this.runtime.clock.now();
      if (leftMs > 0) this.#cancelDeadline = this.#armDeadline(leftMs);
      else this.crash(new DeadlineError(this.path, 'a handler', limitMs, 'messageDeadlineMs'));
    }, delayMs);
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return value instanceof Promise || typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

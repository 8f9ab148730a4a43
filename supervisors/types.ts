/**
 * The public types of the supervision library. It depends on nothing else in this repository and on no type of the
 * mailbox underneath; OTP's words are kept where OTP has one.
 *
 * An actor is described by an `ActorSpec`, a supervisor by a `SupervisorSpec`; both are children. What code holds is an
 * `ActorRef<Message>`: stable across restarts, checked by the compiler, never throwing into the sender.
 */

/** Why an actor or a supervisor ended. `crash` carries what was thrown, always as an Error. */
export type EndReason =
  | { readonly kind: 'normal' }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'crash'; readonly error: Error }
  | { readonly kind: 'gave-up'; readonly error: Error };

/**
 * `full`: the mailbox bound is reached. `down`: there is no live incarnation (also while it waits for its restart). In
 * both cases the message was dropped and counted. An incarnation whose `init` still runs is live.
 */
export type SendResult = 'ok' | 'full' | 'down';

/** A typed address of one actor. The variance marker makes `ActorRef<A>` and `ActorRef<B>` really different types. */
export interface ActorRef<in Message> {
  /** Slash-separated path from the root, such as `work/providers/router`. */
  readonly path: string;
  /** Puts a message into the mailbox. Never throws; works from any async context and carries the trace context along. */
  send(message: Message): SendResult;
}

/** Where the answer of an `ask` goes; only its first call counts. */
export type Reply<Answer> = (answer: Answer) => void;

export interface ActorContext<Message> {
  readonly self: ActorRef<Message>;
  readonly path: string;
  /** 1 for the first incarnation, +1 at every restart. */
  readonly generation: number;
  /** Aborts when this incarnation is told to stop, or when the handler's deadline has passed. */
  readonly signal: AbortSignal;
  /** Sends `message` to self after `delayMs`, unless this incarnation ended before. Returns a cancel function. */
  after(delayMs: number, message: Message): () => void;
  /** Runs a promise that is not awaited by the handler; its rejection is this incarnation's crash. */
  spawn(task: () => Promise<void>): void;
  /** Exactly one call of `onDown` when the target's present incarnation ends; at once if it is already down. */
  monitor(target: ActorRef<never>, onDown: (reason: EndReason) => void): () => void;
  /** As `Root.children`. An actor must not await its own stop or restart: they wait for its handler. */
  children(supervisorPath: string): Children;
}

/** Returned by `receive` to end the actor normally (transient and temporary children are then not restarted). */
export const exit: unique symbol = Symbol('normal exit');
export type Exit = typeof exit;

export interface ActorSpec<Message, State> {
  readonly kind: 'actor';
  /** One path segment: letters, digits, `-`, `_`, `.`. */
  readonly id: string;
  /** Runs at every start and restart, within `startDeadlineMs`. What it throws counts as a crash of the start. */
  readonly init: (context: ActorContext<Message>) => State | Promise<State>;
  /** One message at a time. The returned state replaces the old one. */
  readonly receive: (
    state: State,
    message: Message,
    context: ActorContext<Message>,
  ) => State | Exit | Promise<State | Exit>;
  /** Called once when the incarnation ends, whatever the reason; bounded by `stopDeadlineMs`. */
  readonly terminate?: (state: State, reason: EndReason) => void | Promise<void>;
  /** Turns an untyped control message (admin socket) into a Message, or throws an Error that says what is wrong. */
  readonly parse?: (control: unknown) => Message;
  /** What the actor tells about itself in `snapshot()`; plain JSON, cheap, nothing personal. */
  readonly describe?: (state: State) => Record<string, unknown>;
  readonly options?: ChildOptions;
}

export interface ChildOptions {
  /** permanent: always restarted; transient: after a crash only; temporary: never. Default permanent. */
  readonly restart?: 'permanent' | 'transient' | 'temporary';
  /** Default 5,000 ms. */
  readonly startDeadlineMs?: number;
  /** Default 5,000 ms. */
  readonly stopDeadlineMs?: number;
  /** A handler that runs longer is a crash. Default 30,000 ms; `Infinity` must be asked for. */
  readonly messageDeadlineMs?: number;
  /** Mailbox bound in messages. Default 10,000. */
  readonly mailbox?: number;
  /** Full-jitter exponential backoff before restart n: random in [0, min(capMs, baseMs * 2^(n-1))]. Default 100 ms, cap 10 s. */
  readonly backoff?: { readonly baseMs: number; readonly capMs: number };
  /** Consecutive failures after which the child gives up upwards. Default 5. Reset by a handled message or `healthyAfterMs`. */
  readonly consecutive?: number;
  /** Default 10,000 ms. */
  readonly healthyAfterMs?: number;
}

export interface SupervisorSpec {
  readonly kind: 'supervisor';
  readonly id: string;
  /** Default one_for_one. */
  readonly strategy?: 'one_for_one' | 'one_for_all' | 'rest_for_one';
  /** Exactly `intensity` restarts within `periodMs` are allowed; one more and the supervisor gives up. Default 3 in 300,000. */
  readonly intensity?: number;
  readonly periodMs?: number;
  /** Started in order, stopped in the exact reverse. */
  readonly children: readonly ChildSpec[];
  /** How the parent treats this supervisor. The two deadlines are for the whole subtree; without them the sum of the children's holds. */
  readonly options?: Omit<ChildOptions, 'messageDeadlineMs' | 'mailbox'>;
}

/**
 * A supervisor whose children all come at run time, by `Children.start`, each restarted alone (OTP: simple_one_for_one,
 * DynamicSupervisor). Adding and removing cost the same however many there are. A child that was stopped, or that ended
 * and is not to be restarted, is forgotten. A pool begins every generation empty.
 */
export interface PoolSpec {
  readonly kind: 'pool';
  readonly id: string;
  /** As for a supervisor: for all its children together. Default 3 in 300,000 ms. */
  readonly intensity?: number;
  readonly periodMs?: number;
  /** Default Infinity. */
  readonly maxChildren?: number;
  readonly options?: SupervisorSpec['options'];
}

// biome-ignore lint/suspicious/noExplicitAny: a heterogeneous list; each spec was checked where it was made by actor()
export type ChildSpec = ActorSpec<any, any> | SupervisorSpec | PoolSpec;

export interface ChildListing {
  readonly id: string;
  readonly path: string;
  readonly kind: ChildSpec['kind'];
  readonly state: ActorSnapshot['state'];
  readonly generation: number;
}

export interface ChildCount {
  /** All that the supervisor knows, also the stopped ones. */
  readonly known: number;
  /** Starting, running or stopping. */
  readonly active: number;
  readonly backoff: number;
  readonly stopped: number;
}

/**
 * The children of one running supervisor or pool, changed while it runs. Everything asked about one child is done one
 * after the other; what cannot be done rejects with an `AdministrationError` whose `reason` says why.
 */
export interface Children {
  /** Adds a child at the end and starts it. Resolves with its ref when it runs; if it does not start it is forgotten (StartError). */
  start<Message, State>(spec: ActorSpec<Message, State>): Promise<ActorRef<Message>>;
  start(spec: SupervisorSpec | PoolSpec): Promise<void>;
  /** Stops it within its stop deadline, ends its backoff, keeps its place (not in a pool). Nothing happens if it is stopped. */
  stop(id: string): Promise<void>;
  /** Stops it if it runs and starts its next generation now, also out of a backoff. Takes nothing from the budget. */
  restart(id: string): Promise<void>;
  /** Forgets a stopped child. */
  delete(id: string): Promise<void>;
  list(): readonly ChildListing[];
  count(): ChildCount;
}

export interface ActorSnapshot {
  readonly path: string;
  readonly kind: 'actor' | 'supervisor';
  readonly state: 'starting' | 'running' | 'backoff' | 'stopping' | 'stopped' | 'gave-up';
  readonly generation: number;
  readonly restarts: number;
  readonly restartsInWindow: number;
  readonly consecutive: number;
  readonly queued: number;
  readonly dropped: number;
  readonly oldestMessageAgeMs: number | null;
  readonly runningForMs: number | null;
  readonly lastError: string | null;
  readonly about: Record<string, unknown> | null;
  readonly children: readonly ActorSnapshot[];
}

/** One line for the outside about everything the library does; the process wires it to its logger and alerts. */
export type SupervisionEvent =
  | { readonly type: 'crashed'; readonly path: string; readonly generation: number; readonly error: Error }
  | { readonly type: 'restarting'; readonly path: string; readonly generation: number; readonly delayMs: number }
  | { readonly type: 'restarted'; readonly path: string; readonly generation: number }
  | { readonly type: 'gave-up'; readonly path: string; readonly error: Error }
  | { readonly type: 'stop-deadline-missed'; readonly path: string; readonly generation: number }
  | { readonly type: 'messages-dropped'; readonly path: string; readonly count: number };

/** Everything the library needs from outside; nothing global is reached for. */
export interface Environment {
  readonly report: (event: SupervisionEvent) => void;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly now?: () => number;
  /** Runs `run` once after `delayMs`; returns a cancel function. Default setTimeout. Belongs together with `now`. */
  readonly timer?: (run: () => void, delayMs: number) => () => void;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Trace context, captured at send and restored around the handler. */
  readonly trace?: { capture(): unknown; restore<T>(captured: unknown, run: () => T): T };
}

/** A started tree. */
export interface Root {
  /** The live ref of an actor by its path; throws when the tree has no such actor. */
  ref<Message>(path: string): ActorRef<Message>;
  /** Sends a control message through the target's own `parse`. */
  control(path: string, control: unknown): SendResult;
  /** Run-time administration of the supervisor or pool at this path (`/` is the root); throws when there is none. */
  children(supervisorPath: string): Children;
  snapshot(): ActorSnapshot;
  /** Ordered stop in reverse start order, bounded by `deadlineMs` in total. Idempotent. */
  stop(deadlineMs?: number): Promise<void>;
  /** Settles when the root ended: `shutdown` after stop(), `gave-up` when supervision gave up. Never rejects. */
  readonly ended: Promise<EndReason>;
}

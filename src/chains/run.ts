/**
 * A run: one step of one chain that this node holds under one token, from the claim (or continuation) until its completion
 * is durable. What the node does not hold as a run it must not keep as a row (engine.md: renewal releases the rest).
 */
import type { Json } from './define.ts';
import type { Clock } from './environment.ts';

/** What a chain has to do with others. */
export interface Linked {
  readonly parentId: string | null;
  /** The key that it runs with. */
  readonly slotKey: string | null;
  /** The join that its step comes after; null when the step before opened no children. */
  readonly joinToken: string | null;
  readonly failedChildren: number;
  /** Levels of parents above it. */
  readonly depth: number;
  /** Chains that opened one another without a delay, up to this one. */
  readonly generation: number;
}

/** A chain as the claim or the continuation handed it over. */
export interface ClaimedChain {
  readonly chainId: string;
  readonly name: string;
  readonly version: number;
  readonly step: string;
  readonly token: bigint;
  /** 1 at the first try of this step. */
  readonly attempt: number;
  readonly rejections: number;
  readonly priority: number;
  readonly subject: string | null;
  readonly input: Json;
  readonly previous: Json;
  readonly traceparent: string;
  /** now() of the claiming transaction, as text so that no microsecond is lost; the log has nothing of its tokens before. */
  readonly claimedAt: string;
  /** Null for a chain without parent, children and concurrency key. */
  readonly linked: Linked | null;
}

/** Why a run was told to end before its handler had. */
export type AbortKind = 'deadline' | 'lost' | 'stopped' | 'crashed';

export class RunAborted extends Error {
  override readonly name = 'RunAborted';
  readonly kind: AbortKind;
  constructor(kind: AbortKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/**
 * How a run is told to end. Like an AbortController, whose signal (a fifth of what a step without work costs) is made when
 * somebody asks for it.
 */
export class RunAbort {
  #reason: RunAborted | null = null;
  #controller: AbortController | null = null;
  #listener: ((reason: RunAborted) => void) | null = null;

  /** Null: it may go on. */
  get reason(): RunAborted | null {
    return this.#reason;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason && !this.#controller.signal.aborted) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** The one listener besides those of the signal; called at once when it is too late. */
  listen(listener: (reason: RunAborted) => void): void {
    this.#listener = listener;
    if (this.#reason) listener(this.#reason);
  }

  abort(reason: RunAborted): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#listener?.(reason);
  }
}

export interface Run {
  readonly chain: ClaimedChain;
  /** `id:token`, once the row is at its step; null while it runs ahead of it. */
  key: string | null;
  /** When its handler began; until then, when it was held. */
  startedMs: number;
  /** Of this attempt's span. */
  readonly traceparent: string;
  readonly abort: RunAbort;
  /** completing: the handler has returned, the outcome is on its way into the rows. */
  phase: 'handling' | 'completing';
  progress: { done: number; total: number; unit: string } | null;
  /** How long its handler may be without progress. */
  deadlineMs: number;
  /** Monotonic; moved on by progress. Infinity before the handler begins and once it has returned. */
  deadlineAtMs: number;
}

/** What `engine.running()` shows of a run. */
export interface RunningStep {
  readonly chainId: string;
  readonly chain: string;
  readonly step: string;
  readonly subject: string | null;
  readonly attempt: number;
  readonly phase: Run['phase'];
  readonly runningForMs: number;
  readonly done: number | null;
  readonly total: number | null;
  readonly unit: string | null;
}

export function keyOf(chainId: string, token: bigint): string {
  return `${chainId}:${token}`;
}

/** The chain at its next step here, under the next token. Its `claimedAt` stays: a search in the log begins there or later. */
export function chainAfter(
  { chain }: Pick<Run, 'chain'>,
  at: Pick<ClaimedChain, 'step' | 'previous' | 'linked'>,
): ClaimedChain {
  return {
    chainId: chain.chainId,
    name: chain.name,
    version: chain.version,
    step: at.step,
    token: chain.token + 1n,
    attempt: 1,
    rejections: 0,
    priority: chain.priority,
    subject: chain.subject,
    input: chain.input,
    previous: at.previous,
    traceparent: chain.traceparent,
    claimedAt: chain.claimedAt,
    linked: at.linked,
  };
}

export function describeRun(run: Run, clock: Clock): RunningStep {
  return {
    chainId: run.chain.chainId,
    chain: run.chain.name,
    step: run.chain.step,
    subject: run.chain.subject,
    attempt: run.chain.attempt,
    phase: run.phase,
    runningForMs: Math.round(clock.monotonicMs() - run.startedMs),
    done: run.progress?.done ?? null,
    total: run.progress?.total ?? null,
    unit: run.progress?.unit ?? null,
  };
}

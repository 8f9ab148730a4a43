/**
 * How a chain is defined: a name, a version, an input schema and an ordered list of steps. A definition is data that
 * the engine reads; only the step handlers are code.
 *
 * A handler returns an outcome (law 4). Anything it throws is a crash: counted against the step's retry policy and, when
 * that is used up, dead-lettered. Database writes happen only in `commit(tx)`, inside the transaction that completes the
 * step (law 3); the transaction may be rolled back and the callback run again, so it must only depend on `tx` and on
 * values the handler has finished with (streams are opened inside it).
 */
import type { z } from 'zod';
import type { ReadSession, Tx } from '../database/session.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type Outcome =
  | {
      readonly kind: 'succeeded';
      readonly output: Json;
      readonly commit?: Commit;
      readonly children?: readonly ChildChain[];
    }
  | {
      readonly kind: 'rejected';
      readonly reason: string;
      readonly afterMs?: number;
      readonly commit?: Commit;
      readonly stalled?: boolean;
    }
  | { readonly kind: 'failed'; readonly reason: string; readonly commit?: Commit };

/**
 * Runs inside the completing transaction. May return an output that replaces the handler's. `open` opens child chains in
 * it; the chain's next step waits until they have ended.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: most callbacks return nothing, and then the handler's output stands
export type Commit = (tx: Tx, open: (...children: readonly ChildChain[]) => void) => Promise<Json | void>;

/**
 * What becomes of the parent when this child ends in anything but success: `fail`: the parent fails at its join, when its
 * other children have ended; `ignore`: it goes on; `wait`: it waits until a person has retried or cancelled the child.
 */
export type OnChildFailure = 'fail' | 'ignore' | 'wait';

export interface ChildChain {
  readonly chain: ChainDefinition<never> | string;
  readonly input: Json;
  readonly onChildFailure: OnChildFailure;
  readonly subject?: string;
  readonly priority?: 'critical' | 'high' | 'normal' | 'low';
}

/** A child chain for `succeeded({ children })` or a callback's `open`. */
export function child<Input extends Json>(
  definition: ChainDefinition<Input> | string,
  input: Input,
  options: Pick<ChildChain, 'onChildFailure' | 'subject' | 'priority'>,
): ChildChain {
  return { chain: definition as ChainDefinition<never> | string, input, ...options };
}

/** How a child ended, as the step after the join sees it. */
export interface ChildResult {
  readonly chainId: string;
  readonly chain: string;
  readonly subject: string | null;
  readonly state: string;
  /** Of its last step that succeeded. */
  readonly output: Json;
  readonly reason: string | null;
}

/** `children`: chains to open in the completing transaction; the next step comes when all of them have ended. */
export function succeeded(result: { output?: Json; commit?: Commit; children?: readonly ChildChain[] } = {}): Outcome {
  return {
    kind: 'succeeded',
    output: result.output ?? null,
    ...(result.commit ? { commit: result.commit } : {}),
    ...(result.children ? { children: result.children } : {}),
  };
}

/**
 * Try again later: burns no attempt. Without `afterMs` the delay grows with every rejection. `commit` keeps how far the step
 * came, for the next try to go on from: it may open no children, its output is dropped, and the growing delay and
 * `giveUpAfterMs` begin anew, since the step does move; unless it is `stalled`, and only has something to note.
 */
export function rejected(
  reason: string,
  options: { afterMs?: number; commit?: Commit; stalled?: boolean } = {},
): Outcome {
  const { afterMs, commit, stalled = false } = options;
  return {
    kind: 'rejected',
    reason,
    stalled,
    ...(afterMs === undefined ? {} : { afterMs }),
    ...(commit ? { commit } : {}),
  };
}

/** Permanent: the chain ends as failed. `commit` may write what has to be known about it. */
export function failed(reason: string, commit?: Commit): Outcome {
  return { kind: 'failed', reason, ...(commit ? { commit } : {}) };
}

export interface StepLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface StepContext<Input = Json> {
  readonly chainId: string;
  readonly input: Input;
  /** Output of the step before, null at the first step. */
  readonly previous: Json;
  /** 1 at the first try of this step. */
  readonly attempt: number;
  /** Aborts at the step's deadline, at cancel, at drain's end and when the lease is lost. */
  readonly signal: AbortSignal;
  readonly log: StepLog;
  /** The same at every attempt: what a step with `idempotent` effects gives to the other side. Default: chain and step. */
  readonly effectKey: string;
  /** W3C traceparent of this attempt's span. */
  readonly traceparent: string;
  /** Tells how far the step is, shown live, and extends its deadline. Kept in memory only. */
  progress(done: number, total: number, unit: string): void;
  /** A read-only session on the database, taken at first use and given back when the handler returns. */
  readonly read: ReadSession;
  /** A directory of this attempt for spool files; removed after the completion is known. */
  spoolDirectory(): Promise<string>;
  /** The children of the join that this step comes after, in the order in which they were opened. */
  children(): AsyncIterable<ChildResult>;
}

export type Handler<Input> = (context: StepContext<Input>) => Promise<Outcome>;

export interface RetryPolicy {
  /** Tries in total. Default 3. */
  readonly tries: number;
  /** Default 1,000 ms, doubled for every further try, full jitter, at most `capMs` (default 60,000). */
  readonly delayMs: number;
  readonly factor: number;
  readonly capMs: number;
}

export const defaultRetry: RetryPolicy = { tries: 3, delayMs: 1_000, factor: 2, capMs: 60_000 };

/** At most `limit` chains with the same key run the step at once, on all nodes together. */
export interface Concurrency<Input> {
  /** From the chain's input; a text of 1 to 200 characters, nothing personal. */
  readonly key: (input: Input) => string;
  /** Default 1. */
  readonly limit: number;
}

/**
 * What a step does outside the database, where no transaction reaches. `idempotent`: the other side takes it for the same
 * when it comes again with `effectKey`. `atMostOnce`: it must not come twice; an attempt that finds that an earlier one may
 * have gone so far does not begin, and a person is told.
 */
export type Effects<Input> =
  | { readonly kind: 'none' }
  | { readonly kind: 'idempotent'; readonly key: (input: Input) => string }
  | { readonly kind: 'atMostOnce' };

export const atMostOnce = { kind: 'atMostOnce' } as const;

export function idempotent<Input>(key: (input: Input) => string): Effects<Input> {
  return { kind: 'idempotent', key };
}

export interface StepOptions<Input = Json> {
  /** Default: none. */
  readonly effects?: Effects<Input>;
  readonly concurrency?: { readonly key: (input: Input) => string; readonly limit?: number };
  readonly retry?: Partial<RetryPolicy>;
  /** Default: the engine's `stepDeadlineMs`, 900,000 ms (15 min). Extended by `progress`. */
  readonly deadlineMs?: number;
  /** Rejections without progress go on for so long, counted from the first one, then the chain is dead-lettered. Default 24 h. */
  readonly giveUpAfterMs?: number;
  /**
   * The commit callback may share its transaction with those of other chains: many times faster for short writes. They run
   * at once on one session, so it may not read what another chain's callback of this step may be about to write, set
   * anything for the session, COPY, or rely on a lock against them. Default false.
   */
  readonly shared?: boolean;
}

export interface Step<Input = Json> {
  readonly name: string;
  readonly handler: Handler<Input>;
  readonly retry: RetryPolicy;
  /** Null: the engine's. */
  readonly deadlineMs: number | null;
  readonly giveUpAfterMs: number;
  readonly shared: boolean;
  readonly concurrency: Concurrency<Input> | null;
  readonly effects: Effects<Input>;
}

/** What must happen although nobody asks for it; when it does not, that is an alert (expectation.ts). */
export interface Expectation {
  /** At least one success in so long; from 1,000 to 366 days. */
  readonly successEveryMs: number;
}

export interface ChainDefinition<Input = Json> {
  readonly name: string;
  readonly version: number;
  readonly inputSchema: z.ZodType<Input>;
  readonly steps: readonly Step<Input>[];
  readonly expect?: Expectation;
}

export interface ChainBuilder<Input> extends ChainDefinition<Input> {
  step(name: string, handler: Handler<Input>, options?: StepOptions<Input>): ChainBuilder<Input>;
}

const namePattern = /^[a-z][a-z0-9.-]{0,62}$/;

/**
 * `chain('kpn-sp16', SyncInput).step('fetch', fetchFiles).step('import', importFiles)`.
 * Throws at definition time on a bad or duplicate name.
 */
export function chain<Input>(
  name: string,
  inputSchema: z.ZodType<Input>,
  version = 1,
  promises: Pick<ChainDefinition, 'expect'> = {},
): ChainBuilder<Input> {
  assertName('chain', name);
  assertExpectation(name, promises.expect);
  return build(name, version, inputSchema, [], promises);
}

function build<Input>(
  name: string,
  version: number,
  inputSchema: z.ZodType<Input>,
  steps: readonly Step<Input>[],
  promises: Pick<ChainDefinition, 'expect'>,
): ChainBuilder<Input> {
  return {
    name,
    version,
    inputSchema,
    steps,
    ...promises,
    step(stepName, handler, options = {}) {
      assertName('step', stepName);
      if (steps.some((step) => step.name === stepName)) {
        throw new Error(`chain ${name} has two steps named ${stepName}; give one of them another name`);
      }
      const step: Step<Input> = {
        name: stepName,
        handler,
        retry: { ...defaultRetry, ...options.retry },
        deadlineMs: options.deadlineMs ?? null,
        giveUpAfterMs: options.giveUpAfterMs ?? 24 * 3_600_000,
        shared: options.shared ?? false,
        concurrency: concurrencyOf(name, stepName, options.concurrency),
        effects: options.effects ?? { kind: 'none' },
      };
      return build(name, version, inputSchema, [...steps, step], promises);
    },
  };
}

function concurrencyOf<Input>(
  chainName: string,
  stepName: string,
  declared: StepOptions<Input>['concurrency'],
): Concurrency<Input> | null {
  if (!declared) return null;
  const { key, limit = 1 } = declared;
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) {
    throw new RangeError(
      `step ${stepName} of chain ${chainName}: concurrency limit ${limit} must be a whole number from 1 to 1,000`,
    );
  }
  return { key, limit };
}

function assertExpectation(name: string, expect: Expectation | undefined): void {
  const { successEveryMs: everyMs } = expect ?? { successEveryMs: 1_000 };
  if (!Number.isInteger(everyMs) || everyMs < 1_000 || everyMs > 366 * 86_400_000) {
    throw new RangeError(
      `chain ${name}: successEveryMs ${everyMs} must be a whole number from 1,000 to 31,622,400,000`,
    );
  }
}

function assertName(what: string, name: string): void {
  if (!namePattern.test(name)) {
    throw new Error(`${what} name ${JSON.stringify(name)} must match ${namePattern.source}`);
  }
}

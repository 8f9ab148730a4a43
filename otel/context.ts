/**
 * The context that follows work through promises and timers: which trace, and which chain when there is one. Queued work
 * (a mailbox, a pool) loses it, so whoever queues captures at the door and restores around the handler. `getStore` and
 * `run` cost 0.016 us; `AsyncLocalStorage.snapshot()` costs 1 us, which is why it is not used.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface TraceContext {
  readonly traceparent: string;
  /** Set while a step's handler or commit runs: what an unhandled rejection is charged to. */
  readonly chainId?: string;
  readonly step?: string;
  /** Chains that opened one another without a delay, up to that one. */
  readonly generation?: number;
}

const storage = new AsyncLocalStorage<TraceContext | undefined>();

/** The context of the running code, to be restored later. Fits `Environment.trace` of the supervisors. */
export function capture(): TraceContext | undefined {
  return storage.getStore();
}

/** Runs with a captured context; `undefined` runs without one, whatever is around. */
export function restore<T>(captured: unknown, run: () => T): T {
  return storage.run(captured as TraceContext | undefined, run);
}

export function withContext<T>(context: TraceContext, run: () => T): T {
  return storage.run(context, run);
}

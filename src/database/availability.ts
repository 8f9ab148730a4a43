/**
 * Whether the database is there, as a state and not as an error: design.md section 3.
 *
 *   probing --probe succeeded--> up --a connection error was reported, or a probe failed--> probing
 *   probing --probe failed--> down --probe succeeded--> up
 *
 * It begins in `probing`. `probing` means doubt and lasts for one probe; `down` knows since when, counted from the first
 * doubt. While not up, probes follow each other after a random 0.2 s to at most 5 s (growing), so that work goes on within
 * seconds and a hundred nodes do not knock at once. While up, a probe runs every 5 s: its time is the proof for health.
 *
 * Failure: a probe that hangs is abandoned after 5 s and counts as failed. Listeners must not throw. The clock and the
 * randomness are passed in. Whoever waits with `whenUp` waits without bound: give it a signal.
 */
import { DatabaseDownError, isConnectionError } from './session.ts';

export type AvailabilityState =
  | { readonly kind: 'up'; readonly sinceMs: number }
  | { readonly kind: 'probing'; readonly sinceMs: number }
  | { readonly kind: 'down'; readonly sinceMs: number; readonly failures: number; readonly error: Error };

export interface AvailabilityOptions {
  /** Resolves when the database answered and can be written to. */
  readonly probe: (signal: AbortSignal) => Promise<void>;
  /** Milliseconds; monotonic. */
  readonly now: () => number;
  /** Calls back after the delay; returns a cancel function. */
  readonly after: (delayMs: number, run: () => void) => () => void;
  /** In [0, 1). */
  readonly random: () => number;
  /** Defaults 200, 5,000, 5,000, 5,000. */
  readonly minDelayMs?: number;
  readonly maxDelayMs?: number;
  readonly upDelayMs?: number;
  readonly probeTimeoutMs?: number;
}

export interface Availability {
  state(): AvailabilityState;
  /** When the last probe was begun, on the clock given; null before the first. */
  lastProbeMs(): number | null;
  /** Takes a connection-class error as a reason to probe and returns true; any other error is not its business. */
  report(error: unknown): boolean;
  /** Resolves at once while up. Rejects with the signal's reason, or `DatabaseDownError` when stopped. */
  whenUp(signal?: AbortSignal): Promise<void>;
  /** Probes now instead of at the next turn: somebody knows that things have changed. */
  look(): void;
  /** Called after every change of kind; returns how to stop that. */
  subscribe(listener: (state: AvailabilityState) => void): () => void;
  /** Idempotent. Everyone who waits is rejected. */
  stop(): void;
}

export function watchAvailability(options: AvailabilityOptions): Availability {
  const { minDelayMs = 200, maxDelayMs = 5_000, upDelayMs = 5_000, probeTimeoutMs = 5_000 } = options;
  const listeners = new Set<(state: AvailabilityState) => void>();
  const waiters = new Set<{ resolve: () => void; reject: (reason: unknown) => void }>();
  let state: AvailabilityState = { kind: 'probing', sinceMs: options.now() };
  let lastProbeMs: number | null = null;
  let abandon: ((reason?: Error) => void) | null = null;
  let cancelTimer = () => {};
  let isOlder = false;
  let stopped = false;

  function enter(next: AvailabilityState): void {
    const changed = next.kind !== state.kind;
    state = next;
    if (!changed) return;
    if (next.kind === 'up') {
      for (const waiter of waiters) waiter.resolve();
      waiters.clear();
    }
    for (const listener of [...listeners]) listener(next);
  }

  function probe(): void {
    if (abandon || stopped) return;
    cancelTimer();
    lastProbeMs = options.now();
    const attempt = new AbortController();
    let over = false;
    const finish = () => {
      if (over) return false;
      over = true;
      cancelDeadline();
      abandon = null;
      return true;
    };
    abandon = (reason) => {
      if (finish()) attempt.abort(reason);
    };
    const cancelDeadline = options.after(probeTimeoutMs, () => {
      const error = new DatabaseDownError(`the database did not answer within ${probeTimeoutMs} ms`);
      abandon?.(error);
      failed(error);
    });
    options.probe(attempt.signal).then(
      () => finish() && succeeded(),
      (error: unknown) => finish() && failed(error instanceof Error ? error : new Error(String(error))),
    );
  }

  function succeeded(): void {
    if (isOlder) {
      isOlder = false;
      probe();
      return;
    }
    if (state.kind !== 'up') enter({ kind: 'up', sinceMs: options.now() });
    // Every node probes at its own moments.
    cancelTimer = options.after(upDelayMs * (0.75 + 0.25 * options.random()), probe);
  }

  function failed(error: Error): void {
    isOlder = false;
    const failures = state.kind === 'down' ? state.failures + 1 : 1;
    const sinceMs = state.kind === 'up' ? lastProbeMs! : state.sinceMs;
    enter({ kind: 'down', sinceMs, failures, error });
    const ceilingMs = Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(failures, 20));
    cancelTimer = options.after(minDelayMs + options.random() * (ceilingMs - minDelayMs), probe);
  }

  probe();

  return {
    state: () => state,
    lastProbeMs: () => lastProbeMs,
    report(error) {
      if (!isConnectionError(error)) return false;
      if (state.kind === 'up' && !stopped) {
        enter({ kind: 'probing', sinceMs: options.now() });
        // A success of a probe that is under way may be older than this error. Its failure is news enough: beginning again
        // with every error would put off for ever what a silent server makes of it.
        isOlder = abandon !== null;
        probe();
      }
      return true;
    },
    look: probe,
    whenUp(signal) {
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (stopped) return Promise.reject(new DatabaseDownError('the prober was stopped'));
      if (state.kind === 'up') return Promise.resolve();
      return new Promise((resolve, reject) => {
        const forget = () => signal?.removeEventListener('abort', abort);
        const waiter = {
          resolve() {
            forget();
            resolve();
          },
          reject(reason: unknown) {
            forget();
            reject(reason);
          },
        };
        const abort = () => {
          waiters.delete(waiter);
          waiter.reject(signal!.reason);
        };
        signal?.addEventListener('abort', abort, { once: true });
        waiters.add(waiter);
      });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      if (stopped) return;
      stopped = true;
      cancelTimer();
      abandon?.();
      for (const waiter of waiters) waiter.reject(new DatabaseDownError('the prober was stopped'));
      waiters.clear();
      listeners.clear();
    },
  };
}

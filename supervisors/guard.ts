/**
 * The one way to run a background loop: what it throws is caught, reported and counted, and the loop is started again
 * after a backoff with full jitter. After `consecutive` failures in a row (default 5) it gives up upwards: the promise
 * rejects with a `GaveUpError`, or, if `onGaveUp` is given, that is called and the promise resolves. Inside an actor
 * `context.spawn(() => guard(loop, { name, signal: context.signal }, environment))` makes giving up the actor's crash.
 *
 * A loop that returns although nobody asked it to has stopped silently, which is the very thing this is for: it counts as
 * a failure, unless the policy says `transient`; then its return is its end. The count begins again when the loop calls
 * `succeeded()` or has run for `healthyAfterMs`.
 *
 * When `signal` aborts, nothing is started any more, a backoff ends at once, and the promise resolves as soon as the loop
 * has returned; what it throws then is the echo of the abort and not reported. Events: `crashed`, `restarting`,
 * `restarted` and `gave-up`, with the guard's name as path and the number of the run as generation.
 */
import { type Backoff, backoffDelayMs, defaultBackoff } from './backoff.ts';
import { type Clock, clockOf } from './clock.ts';
import { GaveUpError, toError } from './errors.ts';
import { reporterOf } from './runtime.ts';
import type { Environment } from './types.ts';

export interface GuardedRun {
  readonly signal: AbortSignal;
  /** 1 for the first run. */
  readonly run: number;
  /** Says that work got through: the failures before no longer count. */
  succeeded(): void;
}

export interface GuardPolicy {
  /** Shown in reports. */
  readonly name: string;
  readonly signal?: AbortSignal;
  /** Default permanent: a return is a failure too. */
  readonly restart?: 'permanent' | 'transient';
  /** Failures in a row after which it gives up. Default 5. */
  readonly consecutive?: number;
  /** Default 10,000 ms. */
  readonly healthyAfterMs?: number;
  /** Default 100 ms, cap 10 s. */
  readonly backoff?: Backoff;
  readonly onGaveUp?: (error: GaveUpError) => void;
}

const never = new AbortController().signal;

export async function guard(
  loop: (run: GuardedRun) => Promise<void>,
  policy: GuardPolicy,
  environment: Environment,
): Promise<void> {
  const clock = clockOf(environment);
  const report = reporterOf(environment);
  const { name: path, signal = never, consecutive = 5, healthyAfterMs = 10_000, backoff = defaultBackoff } = policy;
  if (!(consecutive >= 1)) throw new RangeError(`guard ${path}: consecutive must be 1 or more, not ${consecutive}`);
  let failures = 0;
  const succeeded = (): void => {
    failures = 0;
  };
  for (let run = 1; !signal.aborted; run += 1) {
    const startedAtMs = clock.now();
    if (run > 1) report({ type: 'restarted', path, generation: run });
    let error: Error;
    try {
      await loop({ signal, run, succeeded });
      if (policy.restart === 'transient') return;
      error = new Error(`${path} returned although nobody stopped it`);
    } catch (thrown) {
      error = toError(thrown);
    }
    if (signal.aborted) return;
    report({ type: 'crashed', path, generation: run, error });
    if (clock.now() - startedAtMs >= healthyAfterMs) failures = 0;
    failures += 1;
    if (failures >= consecutive) {
      const gaveUp = new GaveUpError(path, `it failed ${failures} times in a row`, error);
      report({ type: 'gave-up', path, error: gaveUp });
      if (policy.onGaveUp === undefined) throw gaveUp;
      policy.onGaveUp(gaveUp);
      return;
    }
    const delayMs = backoffDelayMs(failures, backoff, environment.random ?? Math.random);
    report({ type: 'restarting', path, generation: run + 1, delayMs });
    await pause(delayMs, clock, signal);
  }
}

/** Resolves after `delayMs`, or at once when the signal aborts. */
function pause(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.timer(end, delayMs);
    signal.addEventListener('abort', end, { once: true });
  });
}

/**
 * What every part of one tree shares: clock, randomness, reporter, trace context and the mailboxes. Made once by
 * `startTree` from the caller's `Environment`.
 *
 * A reporter that throws must not stall a restart: its error becomes a process warning and supervision goes on.
 */
import { type Clock, clockOf } from './clock.ts';
import { toError } from './errors.ts';
import type { Mailboxes } from './mailbox.ts';
import type { Children, Environment, SupervisionEvent } from './types.ts';

export interface Runtime {
  readonly clock: Clock;
  readonly random: () => number;
  readonly report: (event: SupervisionEvent) => void;
  readonly trace: Environment['trace'];
  readonly mailboxes: Mailboxes;
  readonly childrenOf: (supervisorPath: string) => Children;
  /** Runs `init` and `terminate` in the trace context of `startTree`, not in that of the message that crashed. */
  outsideMessages<T>(run: () => T): T;
}

export function runtimeOf(environment: Environment, mailboxes: Mailboxes, childrenOf: Runtime['childrenOf']): Runtime {
  const trace = environment.trace;
  const atStart = trace?.capture();
  return {
    clock: clockOf(environment),
    random: environment.random ?? Math.random,
    report: reporterOf(environment),
    trace,
    mailboxes,
    childrenOf,
    outsideMessages: (run) => (trace === undefined ? run() : trace.restore(atStart, run)),
  };
}

export function reporterOf(environment: Environment): (event: SupervisionEvent) => void {
  return (event) => {
    try {
      environment.report(event);
    } catch (thrown) {
      process.emitWarning(toError(thrown));
    }
  };
}

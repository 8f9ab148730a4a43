/**
 * Which siblings a restart takes along. Children are numbered in start order, with gaps where one was deleted; a restart
 * concerns one unbroken span of them, which is stopped in reverse order and started in order:
 *
 * - `one_for_one`: the child alone; siblings restart independently of each other, at the same time if need be.
 * - `rest_for_one`: the child and everything started after it, which may depend on it.
 * - `one_for_all`: all of them.
 *
 * Under the last two at most one restart round runs at a time in a supervisor, so their spans share one round.
 */
import type { SupervisorSpec } from './types.ts';

export type Strategy = NonNullable<SupervisorSpec['strategy']>;

/** The first child of the span that a crash of child `crashed` restarts. */
export function spanStart(strategy: Strategy, crashed: number): number {
  return strategy === 'one_for_all' ? 0 : crashed;
}

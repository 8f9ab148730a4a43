/**
 * A commit callback, run inside the completing transaction behind the chain's fence: its statements, its deadline, the
 * children that it opens. What it throws is a crash of the step; a lost session is the database's trouble.
 */
import { withContext } from '../../otel/context.ts';
import type { Tx } from '../database/session.ts';
import { createFanOut } from './children.ts';
import { guardTx } from './commit-tx.ts';
import { errorOf } from './decision.ts';
import type { ChildChain, Commit } from './define.ts';
import { contextOf } from './execute.ts';
import { serialise } from './payload.ts';
import type { Registry } from './registry.ts';
import type { Run } from './run.ts';
import { noStopPoints, type StopPoints } from './stop-points.ts';

export interface CallbackContext {
  readonly registry: Registry;
  readonly stopPoints: StopPoints;
}

export interface Callback {
  readonly commit: Commit | null;
  /** Those that the outcome named; the callback may open more. */
  readonly children: readonly ChildChain[];
  readonly deadlineMs: number;
}

export interface CallbackResult {
  /** What replaces the handler's output; null: that stands. */
  readonly output: string | null;
  /** How many were opened. */
  readonly children: number;
}

/** A commit callback threw, or what it returned cannot be stored: a crash of the step, rolled back. */
export class CallbackError extends Error {
  override readonly name = 'CallbackError';
}

/** Runs the callback and opens the children, within the step's deadline. */
export async function runCallback(
  context: CallbackContext,
  run: Run,
  { commit, children, deadlineMs }: Callback,
  tx: Tx,
  deadline: AbortController,
): Promise<CallbackResult> {
  const who = `step ${run.chain.step} of chain ${run.chain.name}`;
  const reach = (name: 'mid-commit-callback' | 'mid-copy') =>
    context.stopPoints.reach(name, run.chain.chainId, run.chain.step);
  const guarded = guardTx(tx, who, {
    afterStatement: () => reach('mid-commit-callback'),
    midCopy: context.stopPoints === noStopPoints ? null : () => reach('mid-copy'),
  });
  // the children are the engine's own statements: no test stops there, and a session that is lost there is lost as well
  const own = guardTx(tx, who, { afterStatement() {}, midCopy: null });
  const fanOut = createFanOut(context.registry, run);
  // the abort cancels the statement that runs, the race ends the wait for whatever else the callback awaits
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new CallbackError(`commit of ${who} took longer than ${deadlineMs} ms, its step's deadline`);
    deadline.abort(error);
    late.reject(error);
  }, deadlineMs);
  try {
    fanOut.open(...children);
    const committed = withContext(contextOf(run), async () => commit?.(guarded.tx, fanOut.open));
    const output = await Promise.race([committed, late.promise]);
    return {
      output: output === undefined ? null : serialise(output, `output of the commit of ${who}`),
      children: await Promise.race([fanOut.insert(own.tx), late.promise]),
    };
  } catch (error) {
    if (error instanceof CallbackError) throw error;
    const lost = guarded.lost() ?? own.lost();
    if (lost) throw lost;
    throw new CallbackError(`commit of ${who} threw: ${errorOf(error).message}`, { cause: error });
  } finally {
    clearTimeout(timer);
    guarded.close();
  }
}

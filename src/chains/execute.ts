/**
 * Runs one handler to a decision: its outcome, what it threw, or the abort that ended the wait for it. A handler that
 * ignores its abort is left behind after a short grace; what it still writes is fenced by its token.
 */
import { type TraceContext, withContext } from '../../otel/context.ts';
import type { Database } from '../database/session.ts';
import type { Deadlines } from './deadlines.ts';
import { crashed, type Decision, decisionOf, decisionOfThrown } from './decision.ts';
import { effectKeyOf } from './effects.ts';
import type { EngineLog } from './environment.ts';
import type { AnyStep } from './registry.ts';
import type { Run } from './run.ts';
import { openStepContext } from './step-context.ts';
import { noStopPoints, type StopPoints } from './stop-points.ts';
import { pause } from './wake.ts';

/** A handler gets so long after the abort at its deadline to clean up before its crash is written. */
const graceMs = 500;

export interface ExecuteContext {
  readonly reads: Database;
  readonly log: EngineLog;
  readonly deadlines: Deadlines;
  readonly spoolRoot: string | null;
  readonly stopPoints: StopPoints;
  /** For steps without a deadline of their own. */
  readonly stepDeadlineMs: number;
}

export interface Executed {
  readonly decision: Decision;
  /** To be called when the completion is known. Never throws. Null when there is nothing to remove. */
  removeSpool(): Promise<void> | null;
}

export async function execute(outside: ExecuteContext, run: Run, step: AnyStep): Promise<Executed> {
  let effectKey: string;
  try {
    effectKey = effectKeyOf(step, run);
  } catch (error) {
    return { decision: crashed(error), removeSpool: noSpool };
  }
  const { deadlines, stopPoints } = outside;
  deadlines.watch(run, step.deadlineMs ?? outside.stepDeadlineMs);
  const opened = openStepContext(run, {
    reads: outside.reads,
    log: outside.log,
    spoolRoot: outside.spoolRoot,
    effectKey,
    onProgress(done, total, unit) {
      run.progress = { done, total, unit };
      deadlines.extend(run);
      void stopPoints.reach('mid-handler', run.chain.chainId, run.chain.step);
    },
  });
  // told to end while it waited for a lane: it does not begin any more
  const handled = run.abort.reason
    ? Promise.reject(run.abort.reason)
    : startHandler(run, () => step.handler(opened.context));
  const ended = new Promise((resolve, reject) => {
    run.abort.listen(reject);
    handled.then(resolve, reject);
  });
  let decision: Decision;
  try {
    if (stopPoints !== noStopPoints) {
      ended.catch(() => {});
      await stopPoints.reach('mid-handler', run.chain.chainId, run.chain.step);
    }
    decision = decisionOf(run, await ended);
  } catch (error) {
    decision = decisionOfThrown(run, error);
  }
  if (run.abort.reason) await waitForEnd(handled);
  run.deadlineAtMs = Number.POSITIVE_INFINITY;
  const given = opened.endReads();
  // a read session whose query was cancelled may take a moment; the step does not wait for it
  if (given && !run.abort.reason) await given;
  return { decision, removeSpool: opened.removeSpool };
}

function noSpool(): null {
  return null;
}

/** The handler's promise; its late rejection, after the wait for it was given up, is no one's crash. */
function startHandler(run: Run, handler: () => Promise<unknown>): Promise<unknown> {
  return withContext(contextOf(run), () => {
    try {
      return Promise.resolve(handler());
    } catch (error) {
      return Promise.reject(error);
    }
  });
}

/** What runs in the handler's name and in its commit's. */
export function contextOf({ chain, traceparent }: Run): TraceContext {
  return { traceparent, chainId: chain.chainId, step: chain.step, generation: chain.linked?.generation ?? 0 };
}

async function waitForEnd(handled: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const grace = pause(graceMs, over.signal);
  await Promise.race([handled.catch(() => {}), grace]);
  over.abort();
}

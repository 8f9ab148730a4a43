/**
 * Runs one handler to a decision: its outcome, what it threw, or the abort that ended the wait for it. A handler that
 * ignores its abort is left behind after a short grace; what it still writes is fenced by its token.
 */
import { type TraceContext, withContext } from '../../otel/context.ts';
import type { Database } from '../database/session.ts';
import { crashed, type Decision, decisionOf, decisionOfThrown } from './decision.ts';
import { effectKeyOf } from './effects.ts';
import type { Clock, EngineLog } from './environment.ts';
import type { AnyStep } from './registry.ts';
import { type Run, RunAborted } from './run.ts';
import { openStepContext } from './step-context.ts';
import { noStopPoints, type StopPoints } from './stop-points.ts';
import { pause } from './wake.ts';

/** A handler gets so long after the abort at its deadline to clean up before its crash is written. */
const graceMs = 500;

export interface ExecuteContext {
  readonly reads: Database;
  readonly log: EngineLog;
  readonly clock: Clock;
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
    return { decision: crashed(error), removeSpool: () => null };
  }
  const deadline = watchDeadline(outside.clock, run, step.deadlineMs ?? outside.stepDeadlineMs);
  const opened = openStepContext(run, {
    reads: outside.reads,
    log: outside.log,
    spoolRoot: outside.spoolRoot,
    effectKey,
    onProgress(done, total, unit) {
      run.progress = { done, total, unit };
      deadline.extend();
      void outside.stopPoints.reach('mid-handler', run.chain.chainId, run.chain.step);
    },
  });
  // told to end while it waited for a lane: it does not begin any more
  const handled = run.abort.reason
    ? Promise.reject(run.abort.reason)
    : startHandler(run, () => step.handler(opened.context));
  handled.catch(() => {});
  const ended = new Promise((resolve, reject) => {
    run.abort.listen(reject);
    handled.then(resolve, reject);
  });
  ended.catch(() => {});
  let decision: Decision;
  try {
    if (outside.stopPoints !== noStopPoints) {
      await outside.stopPoints.reach('mid-handler', run.chain.chainId, run.chain.step);
    }
    decision = decisionOf(run, await ended);
  } catch (error) {
    decision = decisionOfThrown(run, error);
  } finally {
    deadline.end();
  }
  if (run.abort.reason) await waitForEnd(handled);
  run.deadlineAtMs = Number.POSITIVE_INFINITY;
  const given = opened.endReads();
  // a read session whose query was cancelled may take a moment; the step does not wait for it
  if (given && !run.abort.reason) await given;
  return { decision, removeSpool: opened.removeSpool };
}

/** The handler's promise; its late rejection, after the wait for it was given up, is no one's crash. */
function startHandler(run: Run, handler: () => Promise<unknown>): Promise<unknown> {
  return withContext(contextOf(run), async () => handler());
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

function watchDeadline(clock: Clock, run: Run, deadlineMs: number): { extend(): void; end(): void } {
  let timer: NodeJS.Timeout;
  const extend = () => {
    run.deadlineAtMs = clock.monotonicMs() + deadlineMs;
  };
  const look = () => {
    const leftMs = run.deadlineAtMs - clock.monotonicMs();
    if (leftMs > 0) {
      timer = setTimeout(look, Math.min(leftMs + 1, 2 ** 31 - 1));
      return;
    }
    const message = `step ${run.chain.step} of chain ${run.chain.name} made no progress for ${deadlineMs} ms, its deadline`;
    run.abort.abort(new RunAborted('deadline', message));
  };
  extend();
  timer = setTimeout(look, Math.min(deadlineMs, 2 ** 31 - 1));
  return {
    extend,
    end() {
      clearTimeout(timer);
    },
  };
}

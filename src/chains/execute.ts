/**
 * Runs one handler to a decision: its outcome, what it threw, or the abort that ended the wait for it. A handler that
 * ignores its abort is left behind after a short grace; what it still writes is fenced by its token.
 */
import { type TraceContext, withContext } from '../../otel/context.ts';
import type { Deadlines } from './deadlines.ts';
import { crashed, type Decision, decisionOf, decisionOfThrown } from './decision.ts';
import { effectKeyOf } from './effects.ts';
import type { AnyStep } from './registry.ts';
import type { Run } from './run.ts';
import { type OpenStepContext, openStepContext, type StepOutside } from './step-context.ts';
import { noStopPoints, type StopPoints } from './stop-points.ts';
import { pause } from './wake.ts';

/** A handler gets so long after the abort at its deadline to clean up before its crash is written. */
const graceMs = 500;

export interface ExecuteContext extends StepOutside {
  readonly deadlines: Deadlines;
  readonly stopPoints: StopPoints;
  /** For steps without a deadline of their own. */
  readonly stepDeadlineMs: number;
}

export interface Executed {
  readonly decision: Decision;
  /** Null: no handler began. */
  readonly opened: OpenStepContext | null;
}

/** Without a handler. */
export function decided(decision: Decision): Executed {
  return { decision, opened: null };
}

/**
 * Never rejects. One promise with two listeners, not a chain of async functions: the engine's share of a step without work is
 * mostly promises.
 */
export function execute(outside: ExecuteContext, run: Run, step: AnyStep): Executed | Promise<Executed> {
  let effectKey: string | null;
  try {
    effectKey = effectKeyOf(step, run);
  } catch (error) {
    return decided(crashed(error));
  }
  outside.deadlines.watch(run, step.deadlineMs ?? outside.stepDeadlineMs);
  const opened = openStepContext(run, step, outside, effectKey);
  // told to end while it waited for a lane: it does not begin any more
  const started = run.abort.reason ? Promise.reject(run.abort.reason) : startHandler(run, step, opened);
  const handled = outside.stopPoints === noStopPoints ? started : stopped(outside.stopPoints, run, started);
  return new Promise((resolve) => {
    let isOver = false;
    const end = (decision: Decision) => {
      isOver = true;
      const last = run.abort.reason ? afterAbort(run, opened, handled) : atEnd(run, opened);
      const executed = { decision, opened };
      if (last) void last.then(() => resolve(executed));
      else resolve(executed);
    };
    const onThrown = (thrown: unknown) => {
      if (!isOver) end(decisionOfThrown(run, thrown));
    };
    run.abort.listen(onThrown);
    handled.then((returned) => {
      if (!isOver) end(decisionOf(run, returned));
    }, onThrown);
  });
}

/** Null, or what has to be waited for before the step is over; never rejects. */
function atEnd(run: Run, opened: OpenStepContext): Promise<void> | null {
  run.deadlineAtMs = Number.POSITIVE_INFINITY;
  return opened.endReads();
}

/** A read session whose query was cancelled may take a moment; the step does not wait for it. */
async function afterAbort(run: Run, opened: OpenStepContext, handled: Promise<unknown>): Promise<void> {
  await waitForEnd(handled);
  void atEnd(run, opened);
}

async function stopped(stopPoints: StopPoints, run: Run, started: Promise<unknown>): Promise<unknown> {
  started.catch(() => {});
  await stopPoints.reach('mid-handler', run.chain.chainId, run.chain.step);
  return started;
}

/** The handler's promise; its late rejection, after the wait for it was given up, is no one's crash. */
function startHandler(run: Run, step: AnyStep, { context }: OpenStepContext): Promise<unknown> {
  try {
    return Promise.resolve(withContext(contextOf(run), () => step.handler(context)));
  } catch (error) {
    return Promise.reject(error);
  }
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

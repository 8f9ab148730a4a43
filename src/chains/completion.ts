/**
 * One try to make a decision durable: law 3 in one transaction (the chain row locked by its fence, the callback's writes,
 * the log row, the move to the next step), or in one statement when there is no callback. It either commits all of it, or
 * throws and has written nothing, or throws a connection error and may have committed: `settle` finds out.
 */

import type { Database, Row, Tx } from '../database/session.ts';
import { maskText } from '../log/mask.ts';
import { guardTx } from './commit-tx.ts';
import {
  block,
  finish,
  lockByFence,
  moveToNextStep,
  recordCrash,
  recordRejection,
  releaseHeld,
} from './completion-sql.ts';
import { type Decision, errorOf } from './decision.ts';
import type { Commit, Json, Step } from './define.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Completion } from './group-sql.ts';
import { cleanText, serialise } from './payload.ts';
import { crashDelayMs, rejectionDelayMs } from './retry-delay.ts';
import type { Run } from './run.ts';
import type { Sessions } from './sessions.ts';
import type { SharedCommit } from './shared-commit.ts';
import { noStopPoints, type StopPoints } from './stop-points.ts';

/** The row that a completing statement returns. Null: the fence was missed, nothing was written. */
export interface Moved {
  readonly state: string;
  readonly token: string;
  readonly claimed_at: string;
  readonly reason: string | null;
  readonly previous: Json;
}

/** A commit callback threw, or what it returned cannot be stored: a crash of the step, rolled back. */
export class CallbackError extends Error {
  override readonly name = 'CallbackError';
}

export interface CompletionContext {
  readonly bootId: string;
  readonly sessions: Sessions;
  readonly group: GroupCommit;
  readonly shared: SharedCommit;
  readonly stopPoints: StopPoints;
  readonly random: () => number;
  readonly nowMs: () => number;
  /** For steps without a deadline of their own. */
  readonly stepDeadlineMs: number;
}

export interface Plan {
  readonly decision: Exclude<Decision, { kind: 'lost' }>;
  /** Null when this release does not know it. */
  readonly step: Step | null;
  readonly nextStep: string | null;
  /** Asked at each try, as the node may have begun to drain. */
  readonly mayContinue: () => boolean;
}

export async function completeOnce(context: CompletionContext, run: Run, plan: Plan): Promise<Moved | null> {
  const { decision } = plan;
  const { chainId, step } = run.chain;
  const commit = decision.kind === 'succeeded' || decision.kind === 'failed' ? decision.commit : null;
  if (commit && plan.step?.shared) {
    const moved = await completeShared(context, run, plan, commit);
    if (moved !== 'alone') return moved;
  }
  let moved: Moved | null;
  if (commit) {
    const deadline = new AbortController();
    moved = await context.sessions.commits.transaction(
      async (tx) => {
        const fence = await tx.query(lockByFence, [chainId, context.bootId, run.chain.token]);
        if (fence.length === 0) return null;
        const output = await runCallback(context, run, plan, tx, commit, deadline);
        const written = await write(context, run, plan, tx, output);
        await context.stopPoints.reach('before-commit', chainId, step);
        return written;
      },
      { signal: deadline.signal },
    );
  } else {
    await context.stopPoints.reach('before-commit', chainId, step);
    moved = await write(context, run, plan, context.sessions.engine, null);
  }
  await context.stopPoints.reach('after-commit', chainId, step);
  return moved;
}

async function completeShared(
  context: CompletionContext,
  run: Run,
  plan: Plan,
  commit: Commit,
): Promise<Moved | null | 'alone'> {
  const { decision } = plan;
  const { chainId, step } = run.chain;
  const completed = await context.shared.complete({
    ...completionOf(context, run, plan, decision.kind === 'succeeded' ? decision.output : null),
    callback: (tx, deadline) => runCallback(context, run, plan, tx, commit, deadline),
    beforeCommit: () => context.stopPoints.reach('before-commit', chainId, step),
  });
  if (completed === 'alone') return completed;
  await context.stopPoints.reach('after-commit', chainId, step);
  return completed && { ...completed, previous: jsonOf(completed.output ?? null) };
}

/** Of a success or a failure. */
function completionOf(context: CompletionContext, run: Run, plan: Plan, output: string | null): Completion {
  const { decision } = plan;
  return {
    run,
    durationMs: context.nowMs() - run.startedMs,
    outcome: decision.kind === 'failed' ? 'failed' : 'succeeded',
    reason: decision.kind === 'failed' ? told(decision.reason) : null,
    output,
    nextStep: decision.kind === 'failed' ? null : plan.nextStep,
    mayContinue: plan.mayContinue,
  };
}

function jsonOf(text: string | null): Json {
  return text === null ? null : (JSON.parse(text) as Json);
}

/** Runs the callback within the step's deadline; resolves to the output that replaces the handler's, or null. */
async function runCallback(
  context: CompletionContext,
  run: Run,
  plan: Plan,
  tx: Tx,
  commit: Commit,
  deadline: AbortController,
): Promise<string | null> {
  const who = `step ${run.chain.step} of chain ${run.chain.name}`;
  const reach = (name: 'mid-commit-callback' | 'mid-copy') =>
    context.stopPoints.reach(name, run.chain.chainId, run.chain.step);
  const guarded = guardTx(tx, who, {
    afterStatement: () => reach('mid-commit-callback'),
    midCopy: context.stopPoints === noStopPoints ? null : () => reach('mid-copy'),
  });
  const deadlineMs = plan.step?.deadlineMs ?? context.stepDeadlineMs;
  // the abort cancels the statement that runs, the race ends the wait for whatever else the callback awaits
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new CallbackError(`commit of ${who} took longer than ${deadlineMs} ms, its step's deadline`);
    deadline.abort(error);
    late.reject(error);
  }, deadlineMs);
  try {
    const output = await Promise.race([commit(guarded.tx), late.promise]);
    return output === undefined ? null : serialise(output, `output of the commit of ${who}`);
  } catch (error) {
    if (error instanceof CallbackError) throw error;
    if (guarded.lost()) throw guarded.lost();
    throw new CallbackError(`commit of ${who} threw: ${errorOf(error).message}`, { cause: error });
  } finally {
    clearTimeout(timer);
    guarded.close();
  }
}

async function write(
  context: CompletionContext,
  run: Run,
  plan: Plan,
  session: Pick<Database, 'query'>,
  callbackOutput: string | null,
): Promise<Moved | null> {
  const { decision, step } = plan;
  const { chain } = run;
  const common = (outcome: string, reason: string | null, output: string | null, error: string | null) => [
    chain.chainId,
    context.bootId,
    chain.token,
    chain.step,
    chain.attempt,
    run.traceparent,
    context.nowMs() - run.startedMs,
    outcome,
    reason === null ? null : told(reason),
    output,
    error,
  ];
  const grouped = async (output: string | null) => {
    const completed = await context.group.complete(completionOf(context, run, plan, output));
    return completed && { ...completed, previous: jsonOf(output) };
  };
  const one = async (text: string, values: unknown[]) => ((await session.query<Row>(text, values))[0] as Moved) ?? null;
  switch (decision.kind) {
    case 'succeeded': {
      if (session === context.sessions.engine) return grouped(decision.output);
      const values = common('succeeded', null, callbackOutput ?? decision.output, null);
      if (plan.nextStep === null) return one(finish, [...values, 'succeeded']);
      return one(moveToNextStep, [...values, plan.nextStep, plan.mayContinue(), chain.priority, chain.name]);
    }
    case 'failed':
      if (session === context.sessions.engine) return grouped(null);
      return one(finish, [...common('failed', decision.reason, callbackOutput, null), 'failed']);
    case 'rejected': {
      const delayMs = decision.afterMs ?? rejectionDelayMs(chain.rejections, context.random);
      const values = common('rejected', decision.reason, null, null);
      return one(recordRejection, [...values, delayMs, step?.giveUpAfterMs ?? 0]);
    }
    case 'crashed': {
      const again = step !== null && chain.attempt < step.retry.tries;
      const delayMs = again ? crashDelayMs(step.retry, chain.attempt, context.random) : null;
      const { error } = decision;
      return one(recordCrash, [
        ...common('crashed', `${error.name}: ${error.message}`, null, errorJson(error)),
        delayMs,
      ]);
    }
    case 'blocked':
      return one(block, common('blocked', decision.reason, null, null));
    case 'released': {
      const values = [context.bootId, [chain.chainId], [chain.token], cleanText(decision.reason)];
      const released = await session.query(releaseHeld, values);
      if (released.length === 0) return null;
      return {
        state: 'ready',
        token: String(chain.token + 1n),
        claimed_at: chain.claimedAt,
        reason: decision.reason,
        previous: null,
      };
    }
  }
}

/** A reason or an error as a row may hold it. */
function told(text: string, maxLength?: number): string {
  return maskText(cleanText(text, maxLength));
}

function errorJson(error: Error): string {
  const cause = error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : null;
  const code = (error as { code?: unknown }).code;
  return JSON.stringify({
    name: cleanText(error.name, 100),
    message: told(error.message),
    ...(typeof code === 'string' ? { code: cleanText(code, 100) } : {}),
    ...(cause ? { cause: told(cause) } : {}),
    stack: told(error.stack ?? '', 4_000),
  });
}

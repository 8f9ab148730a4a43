/**
 * One try to make a decision durable: law 3 in one transaction (the chain row locked by its fence, the callback's writes,
 * the log row, the move to the next step), or in one statement when there is no callback. It either commits all of it, or
 * throws and has written nothing, or throws a connection error and may have committed: `settle` finds out.
 */

import type { Tx } from '../database/session.ts';
import { type Callback, CallbackError, type CallbackResult, runCallback } from './callback.ts';
import { endStep } from './children.ts';
import { lockByFence, takeIntentBack } from './completion-sql.ts';
import type { Decision } from './decision.ts';
import type { Json } from './define.ts';
import { type Completion, isChild, isLinked, moveAll } from './group-sql.ts';
import { countChildren } from './join-sql.ts';
import type { CompletionContext, Moved, Plan } from './planned.ts';
import { toldText, writeRow } from './row-completion.ts';
import type { Run } from './run.ts';
import { noStopPoints } from './stop-points.ts';

export function completeOnce(context: CompletionContext, run: Run, plan: Plan): Promise<Moved | null> {
  const callback = callbackOf(context, plan);
  const waits = callback !== null || context.stopPoints !== noStopPoints;
  return waits ? completeWaiting(context, run, plan, callback) : completeRow(context, run, plan);
}

async function completeWaiting(
  context: CompletionContext,
  run: Run,
  plan: Plan,
  callback: Callback | null,
): Promise<Moved | null> {
  const { chainId, step } = run.chain;
  if (callback && plan.step?.shared && plan.decision.kind !== 'rejected') {
    const moved = await completeShared(context, run, plan, callback);
    if (moved !== 'alone') return moved;
  }
  let stopped = callback ? undefined : context.stopPoints.reach('before-commit', chainId, step);
  if (stopped) await stopped;
  const moved = callback ? await completeAlone(context, run, plan, callback) : await completeRow(context, run, plan);
  stopped = context.stopPoints.reach('after-commit', chainId, step);
  if (stopped) await stopped;
  return moved;
}

/** Something besides the chain's own row is to be written. */
export function hasCallback(
  decision: Decision,
): decision is Extract<Decision, { kind: 'succeeded' | 'failed' | 'rejected' }> {
  if (decision.kind === 'succeeded' && decision.children.length > 0) return true;
  const { kind } = decision;
  return (kind === 'succeeded' || kind === 'failed' || kind === 'rejected') && decision.commit !== null;
}

const nothing: CallbackResult = { output: null, children: 0 };

function callbackOf(context: CompletionContext, { decision, step }: Plan): Callback | null {
  if (!hasCallback(decision)) return null;
  const children = decision.kind === 'succeeded' ? decision.children : [];
  return { commit: decision.commit, children, deadlineMs: step?.deadlineMs ?? context.stepDeadlineMs };
}

/** In a transaction of its own. */
async function completeAlone(
  context: CompletionContext,
  run: Run,
  plan: Plan,
  callback: Callback,
): Promise<Moved | null> {
  const { chainId, step, token } = run.chain;
  const deadline = new AbortController();
  let parents: readonly string[] = [];
  const moved = await context.sessions.commits.transaction(
    async (tx) => {
      const fence = await tx.query(lockByFence, [chainId, context.bootId, token]);
      if (fence.length === 0) return null;
      const result = await runCallback(context, run, callback, tx, deadline);
      const completion = completionOf(context, run, plan, result);
      let written: Moved | null;
      if (plan.decision.kind === 'rejected') {
        if (result.children > 0) throw new CallbackError(`step ${step} was rejected and its commit opened children`);
        const left = await writeAndCount(context, run, plan, tx);
        parents = left.parents;
        written = left.moved;
      } else if (isLinked(completion)) {
        const all = await moveAll(tx, context.bootId, [completion]);
        parents = all.parents;
        written = all.moved[0] ? { ...all.moved[0], previous: jsonOf(completion.output) } : null;
      } else {
        written = await writeRow(context, run, plan, tx, result.output);
      }
      await context.stopPoints.reach('before-commit', chainId, step);
      return written;
    },
    { signal: deadline.signal },
  );
  context.onParents(parents);
  return moved;
}

/** Without a callback: one statement, or more when a child may have come to its end or an intent is taken back. */
function completeRow(context: CompletionContext, run: Run, plan: Plan): Promise<Moved | null> {
  const { kind } = plan.decision;
  if (plan.staysSuspect) return writeRow(context, run, plan, context.sessions.engine, null);
  if (kind === 'succeeded' || kind === 'failed') return completeGrouped(context, run, plan);
  const intended = kind === 'rejected' && plan.step?.effects.kind === 'atMostOnce';
  const mayDie = isChild(run) && (kind === 'crashed' || kind === 'rejected' || kind === 'unknown');
  if (!mayDie && !intended) return writeRow(context, run, plan, context.sessions.engine, null);
  return completeTogether(context, run, plan);
}

function completeGrouped(context: CompletionContext, run: Run, plan: Plan): Promise<Moved | null> {
  return context.group.complete(completionOf(context, run, plan, nothing));
}

async function completeTogether(context: CompletionContext, run: Run, plan: Plan): Promise<Moved | null> {
  const { engine } = context.sessions;
  const { moved, parents } = await engine.transaction((tx) => writeAndCount(context, run, plan, tx));
  context.onParents(parents);
  return moved;
}

/** What does not end in success or failure, with all that hangs on it. */
async function writeAndCount(
  context: CompletionContext,
  run: Run,
  plan: Plan,
  tx: Tx,
): Promise<{ moved: Moved | null; parents: readonly string[] }> {
  const { chainId, step } = run.chain;
  const moved = await writeRow(context, run, plan, tx, null);
  const intended = plan.decision.kind === 'rejected' && plan.step?.effects.kind === 'atMostOnce';
  if (moved && intended) await tx.query(takeIntentBack, [chainId, step]);
  const isDead = moved?.state === 'dead' && isChild(run);
  return { moved, parents: isDead ? await countChildren(tx, [chainId]) : [] };
}

async function completeShared(
  context: CompletionContext,
  run: Run,
  plan: Plan,
  callback: Callback,
): Promise<Moved | null | 'alone'> {
  const { decision } = plan;
  const { chainId, step } = run.chain;
  const handlers = { output: decision.kind === 'succeeded' ? decision.output : null, children: 0 };
  const completed = await context.shared.complete({
    ...completionOf(context, run, plan, handlers),
    callback: (tx, deadline) => runCallback(context, run, callback, tx, deadline),
    beforeCommit: () => context.stopPoints.reach('before-commit', chainId, step),
  });
  if (completed === 'alone') return completed;
  await context.stopPoints.reach('after-commit', chainId, step);
  return completed && { state: completed.state, reason: completed.reason, previous: jsonOf(completed.output ?? null) };
}

/** Of a success or a failure. A chain that opened children in its last step goes on to the engine's own, after the join. */
function completionOf(context: CompletionContext, run: Run, plan: Plan, result: CallbackResult): Completion {
  const { decision } = plan;
  const failed = decision.kind === 'failed';
  const nextStep = failed ? null : (plan.nextStep ?? (result.children > 0 ? endStep : null));
  return {
    run,
    durationMs: context.nowMs() - run.startedMs,
    outcome: failed ? 'failed' : 'succeeded',
    reason: failed ? toldText(decision.reason) : null,
    output: result.output ?? (decision.kind === 'succeeded' ? decision.output : null),
    nextStep,
    mayContinue: plan.mayContinue,
    nextSlot: failed ? null : plan.nextSlot,
    children: failed ? 0 : result.children,
    stretch: plan.stretch,
  };
}

function jsonOf(text: string | null): Json {
  return text === null ? null : (JSON.parse(text) as Json);
}

/**
 * Completes one run by a statement of its own, which moves the row behind its fence and appends to the log: what is rejected,
 * crashed, unknown, blocked, waits for its key or goes back, and the outcome of a callback in its transaction. Resolves to
 * null when the fence was missed: nothing was written.
 */
import type { Database, Row } from '../database/session.ts';
import { maskText } from '../log/mask.ts';
import {
  block,
  finish,
  keepKey,
  moveSuspectOn,
  moveToNextStep,
  recordCrash,
  recordRejection,
  recordUnknown,
  releaseHeld,
} from './completion-sql.ts';
import { cleanText } from './payload.ts';
import type { CompletionContext, Moved, Plan } from './planned.ts';
import { crashDelayMs, rejectionDelayMs } from './retry-delay.ts';
import type { Run } from './run.ts';

export async function writeRow(
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
    reason === null ? null : toldText(reason),
    output,
    error,
  ];
  const one = async (text: string, values: unknown[]) => ((await session.query<Row>(text, values))[0] as Moved) ?? null;
  switch (decision.kind) {
    case 'succeeded': {
      const values = common('succeeded', null, callbackOutput ?? decision.output, null);
      if (plan.nextStep === null) return one(finish, [...values, 'succeeded']);
      const text = plan.staysSuspect ? moveSuspectOn : moveToNextStep;
      return one(text, [...values, plan.nextStep, plan.mayContinue(), chain.priority, chain.name]);
    }
    case 'failed':
      return one(finish, [...common('failed', decision.reason, callbackOutput, null), 'failed']);
    case 'rejected': {
      const delayMs = decision.afterMs ?? rejectionDelayMs(decision.commit ? 0 : chain.rejections, context.random);
      const values = common('rejected', decision.reason, null, null);
      return one(recordRejection, [...values, delayMs, step?.giveUpAfterMs ?? 0, decision.commit !== null]);
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
    case 'unknown':
      return one(recordUnknown, common('unknown', decision.reason, null, null));
    case 'keyed': {
      const { key, limit } = decision.slot;
      return one(keepKey, [...common('released', 'waits for a slot of its concurrency key', null, null), key, limit]);
    }
    case 'blocked':
      return one(block, common('blocked', decision.reason, null, null));
    case 'released': {
      const values = [context.bootId, [chain.chainId], [chain.token], cleanText(decision.reason)];
      const released = await session.query(releaseHeld, values);
      if (released.length === 0) return null;
      return {
        state: 'ready',
        reason: decision.reason,
        previous: null,
      };
    }
  }
}

/** A reason or an error as a row may hold it. */
export function toldText(text: string, maxLength?: number): string {
  return maskText(cleanText(text, maxLength));
}

function errorJson(error: Error): string {
  const cause = error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : null;
  const code = (error as { code?: unknown }).code;
  return JSON.stringify({
    name: cleanText(error.name, 100),
    message: toldText(error.message),
    ...(typeof code === 'string' ? { code: cleanText(code, 100) } : {}),
    ...(cause ? { cause: toldText(cause) } : {}),
    stack: toldText(error.stack ?? '', 4_000),
  });
}

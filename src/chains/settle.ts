/**
 * Settles a run: tries to complete it until the rows say what became of it.
 *
 * - committed: the answer came, or the log has the row of (chain, token)
 * - answer lost: the log is read; absent means not committed, and the completion (its callback too) runs again
 * - a try that misses the fence reads the log once more: its forerunner may have committed after the log was read
 * - the callback crashed, or PostgreSQL refuses to store the outcome itself: that is written as a crash of the step
 * - the database is down, or its disk is full: waits for it; burns no attempt
 *
 * Rejects with the signal's reason when the node stops waiting, and with errors that are the engine's own.
 */
import { isConnectionError } from '../database/session.ts';
import { CallbackError } from './callback.ts';
import { completeOnce, hasCallback } from './completion.ts';
import { readLog } from './completion-sql.ts';
import { crashed, type Decision } from './decision.ts';
import type { Json } from './define.ts';
import type { EngineAvailability, EngineLog } from './environment.ts';
import { isRefused } from './gathering.ts';
import { createPatience, isTransient, type Patience } from './patience.ts';
import type { CompletionContext, Moved, Plan } from './planned.ts';
import { type ClaimedChain, chainAfter, type Linked, type Run } from './run.ts';

export type Settled =
  /** The chain goes on here, under the next token. */
  | { readonly kind: 'continue'; readonly next: ClaimedChain }
  /** The chain is in this state now, and not this node's any more. */
  | { readonly kind: 'left'; readonly state: string; readonly reason: string | null }
  /** The fence was missed: cancelled, recovered or released in the meantime; nothing was written. */
  | { readonly kind: 'lost' };

export interface SettleContext extends CompletionContext {
  readonly availability: EngineAvailability;
  readonly log: EngineLog;
  /** Aborts when this node gives up waiting: declared dead, or its stop has passed the deadline. */
  readonly signal: AbortSignal;
}

/** A callback that keeps meeting deadlocks or lock timeouts is a crash in the end; a full disk is waited out. */
const transientCallbackTries = 10;

export function settle(context: SettleContext, run: Run, plan: Plan): Promise<Settled> {
  const first = completeOnce(context, run, plan);
  const more = () => settleFrom(first, context, run, plan);
  // nearly always the first try tells, and each of the thousand that wait for theirs holds on to as little as can be
  return first.then((moved) => (moved ? settled(run, plan, moved) : more()), more);
}

/** `first`: the try that was made already. */
async function settleFrom(
  first: Promise<Moved | null>,
  context: SettleContext,
  run: Run,
  plan: Plan,
): Promise<Settled> {
  let tried: Promise<Moved | null> | null = first;
  let patience: Patience | null = null;
  let current = plan;
  let unknown = false;
  let transientTries = 0;
  for (;;) {
    try {
      if (unknown) {
        const told = await fromLog(context, run, current);
        if (told) return told;
        unknown = false;
      }
      const trying: Promise<Moved | null> = tried ?? completeOnce(context, run, current);
      tried = null;
      const moved = await trying;
      if (!moved) return (await fromLog(context, run, current)) ?? { kind: 'lost' };
      return settled(run, current, moved);
    } catch (error) {
      const cause = error instanceof CallbackError ? error.cause : error;
      if (error instanceof CallbackError && isTransient(cause) && !isDiskFull(cause)) transientTries += 1;
      if (error instanceof CallbackError && (!isTransient(cause) || transientTries >= transientCallbackTries)) {
        current = { ...current, decision: crashed(error) as Exclude<Decision, { kind: 'lost' }> };
        continue;
      }
      if (isConnectionError(error)) unknown = true;
      patience ??= createPatience(context.availability, context.random);
      if (await patience.waitOut(cause, context.signal)) {
        context.log.warn({ chainId: run.chain.chainId, step: run.chain.step, err: cause }, 'completion is tried again');
        continue;
      }
      if (current.stretch?.steps.length && isRefused(error)) {
        // of which of them shows when the first is alone
        current.stretch.drop();
        continue;
      }
      if (!hasCallback(current.decision) && (current.decision.kind === 'crashed' || !isRefused(error))) throw error;
      // the callback ended well and the engine's own statement failed in its transaction, as after a swallowed error; or
      // the outcome holds what no row can, and would bring down every engine that ran this step
      current = { ...current, decision: crashed(error) as Exclude<Decision, { kind: 'lost' }> };
    }
  }
}

function isDiskFull(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === '53100';
}

function settled(run: Run, plan: Plan, moved: Moved): Settled {
  if (moved.state !== 'running') return { kind: 'left', state: moved.state, reason: moved.reason };
  const last = plan.stretch?.steps.at(-1);
  const linked = linkedAfter(run, plan.nextSlot?.key ?? null);
  const at = {
    step: (last ?? plan).nextStep!,
    previous: last ? (JSON.parse(last.output) as Json) : previousOf(plan, moved),
    linked,
  };
  return { kind: 'continue', next: chainAfter(last?.run ?? run, at) };
}

/** What the next step gets: as the rows say, or the handler's output. */
function previousOf({ decision }: Plan, { previous }: Moved): Json {
  if (previous !== undefined) return previous;
  return decision.kind === 'succeeded' ? (JSON.parse(decision.output) as Json) : null;
}

/** What `moveLinked` leaves on the row of a chain that goes on here: its join is over, its slot that of the next step. */
function linkedAfter({ chain }: Run, slotKey: string | null): Linked | null {
  if (chain.linked === null) return null;
  return { ...chain.linked, slotKey, joinToken: null, failedChildren: 0 };
}

/** Null when the log has no row of this token: it did not commit, and what was to be written with it neither. */
async function fromLog(context: SettleContext, run: Run, { stretch }: Plan): Promise<Settled | null> {
  const { chainId, token, claimedAt } = run.chain;
  const [row] = await context.sessions.engine.query(readLog, [chainId, token, context.bootId, claimedAt]);
  if (!row) return null;
  const last = stretch?.steps.at(-1)?.run ?? run;
  const goesOn = row.state === 'running' && row.owner === context.bootId && BigInt(row.token) === last.chain.token + 1n;
  if (!goesOn) return { kind: 'left', state: row.state, reason: row.reason };
  return { kind: 'continue', next: chainAfter(last, { step: row.step, previous: row.previous, linked: row.linked }) };
}

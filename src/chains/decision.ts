/**
 * What is to be written about a run: the handler's outcome, checked, or what happened instead of one. Whatever a handler
 * returns or throws becomes a decision; nothing escapes.
 */
import { isConnectionError } from '../database/session.ts';
import type { ChildChain, Commit, Outcome } from './define.ts';
import { isTransient } from './patience.ts';
import { serialise } from './payload.ts';
import { type Run, RunAborted } from './run.ts';
import type { SlotNeed } from './slots.ts';

export type Decision =
  | {
      readonly kind: 'succeeded';
      readonly output: string;
      readonly commit: Commit | null;
      readonly children: readonly ChildChain[];
    }
  | { readonly kind: 'failed'; readonly reason: string; readonly commit: Commit | null }
  | {
      readonly kind: 'rejected';
      readonly reason: string;
      readonly afterMs: number | null;
      readonly commit: Commit | null;
      /** It came further than the last time. */
      readonly moved: boolean;
    }
  | { readonly kind: 'crashed'; readonly error: Error }
  /** This release does not know the chain, its version or its step. */
  | { readonly kind: 'blocked'; readonly reason: string }
  /** An earlier attempt of a step whose effect must not happen twice may have had it. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** The step runs with a concurrency key that the row does not have yet: it was put there by an older release. */
  | { readonly kind: 'keyed'; readonly slot: SlotNeed }
  /** The node stops: the chain goes back with its attempt. */
  | { readonly kind: 'released'; readonly reason: string }
  /** The row is not this run's any more: nothing may be written. */
  | { readonly kind: 'lost'; readonly reason: string };

/** The decision for what a handler returned; nonsense is a crash that names the handler and what it returned. */
export function decisionOf(run: Run, returned: unknown): Decision {
  try {
    if (isPlainSuccess(returned)) return plainSuccess;
    const who = `step ${run.chain.step} of chain ${run.chain.name}`;
    if (!isOutcome(returned)) {
      const what =
        returned === null ? 'null' : typeof returned === 'object' ? 'an object of no known kind' : typeof returned;
      return crashed(new Error(`${who} returned ${what}; return succeeded(…), rejected(…) or failed(…)`));
    }
    switch (returned.kind) {
      case 'succeeded': {
        const output = serialise(returned.output ?? null, `output of ${who}`);
        const children = childrenOf(returned.children, who);
        return { kind: 'succeeded', output, commit: commitOf(returned.commit, who), children };
      }
      case 'failed':
        return { kind: 'failed', reason: reasonOf(returned.reason, who), commit: commitOf(returned.commit, who) };
      case 'rejected':
        return {
          kind: 'rejected',
          reason: reasonOf(returned.reason, who),
          afterMs: afterOf(returned.afterMs, who),
          commit: commitOf(returned.commit, who),
          moved: returned.commit !== undefined && returned.stalled !== true,
        };
    }
  } catch (error) {
    return crashed(error);
  }
}

/** The engine waits for the database before it writes this, so the next try need not wait long. */
const databaseBackMs = 500;

/**
 * The decision for what a handler threw, or for the abort that ended the wait for it. A database that went away or was
 * short of something while the handler read is a state to wait out, not the step's crash.
 */
export function decisionOfThrown(run: Run, thrown: unknown): Decision {
  const { reason } = run.abort;
  if (reason instanceof RunAborted) {
    switch (reason.kind) {
      case 'lost':
        return { kind: 'lost', reason: reason.message };
      case 'stopped':
        return { kind: 'released', reason: reason.message };
      case 'deadline':
        return crashed(reason);
      case 'crashed':
        return crashed(reason.cause ?? reason);
    }
  }
  if (isConnectionError(thrown) || isTransient(thrown)) {
    const reason = `the database did not serve its reads: ${errorOf(thrown).message}`;
    return {
      kind: 'rejected',
      reason,
      afterMs: isConnectionError(thrown) ? databaseBackMs : null,
      commit: null,
      moved: false,
    };
  }
  return crashed(thrown);
}

export function crashed(thrown: unknown): Decision {
  return { kind: 'crashed', error: errorOf(thrown) };
}

/** Anything thrown as an Error; the thrown value stays as its cause. */
export function errorOf(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(`thrown was not an Error but ${typeof thrown}: ${String(thrown).slice(0, 200)}`, { cause: thrown });
}

/** What most steps give that have nothing to say: made once. */
const plainSuccess: Decision = { kind: 'succeeded', output: 'null', commit: null, children: [] };

function isPlainSuccess(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, output, commit, children } = value as Record<string, unknown>;
  return kind === 'succeeded' && output == null && commit == null && children === undefined;
}

function isOutcome(value: unknown): value is Outcome {
  if (typeof value !== 'object' || value === null) return false;
  const kind = (value as { kind?: unknown }).kind;
  return kind === 'succeeded' || kind === 'rejected' || kind === 'failed';
}

function commitOf(commit: unknown, who: string): Commit | null {
  if (commit === undefined || commit === null) return null;
  if (typeof commit !== 'function') throw new Error(`commit of ${who} is a ${typeof commit}, it must be a function`);
  return commit as Commit;
}

function childrenOf(children: unknown, who: string): readonly ChildChain[] {
  if (children === undefined) return [];
  if (Array.isArray(children)) return children as ChildChain[];
  throw new Error(`children of ${who} is a ${typeof children}, it must be a list of child(…)`);
}

function reasonOf(reason: unknown, who: string): string {
  if (typeof reason === 'string' && reason.trim() !== '') return reason;
  throw new Error(`${who} gave no reason for its outcome; say in a sentence what is wrong`);
}

function afterOf(afterMs: unknown, who: string): number | null {
  if (afterMs === undefined) return null;
  if (typeof afterMs === 'number' && Number.isFinite(afterMs) && afterMs >= 0) return afterMs;
  throw new Error(`${who} rejected with afterMs ${String(afterMs)}; give milliseconds of 0 or more`);
}

/**
 * What the library throws or hands on. Each keeps the original reason as `cause`.
 *
 * - `StartError`: an actor did not start; `startTree` rejects with it after the rollback.
 * - `DeadlineError`: `init`, a handler or a whole subtree's start took longer than its deadline.
 * - `GaveUpError`: a supervisor used up its restarts, or a guarded loop failed too often in a row.
 * - `AdministrationError`: a child could not be started, stopped, restarted or deleted by hand, and nothing was changed.
 * - `AskError` lives with `ask`.
 */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly path: string;
  constructor(path: string, cause: Error) {
    super(`${path} did not start: ${cause.message}`, { cause });
    this.path = path;
  }
}

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
  readonly path: string;
  readonly deadlineMs: number;
  constructor(path: string, what: string, deadlineMs: number, option: string) {
    super(`${path}: ${what} took longer than ${deadlineMs} ms (option ${option})`);
    this.path = path;
    this.deadlineMs = deadlineMs;
  }
}

export class GaveUpError extends Error {
  override readonly name = 'GaveUpError';
  readonly path: string;
  constructor(path: string, why: string, cause: Error) {
    super(`${path} gave up: ${why}; the last error was: ${cause.message}`, { cause });
    this.path = path;
  }
}

/**
 * `supervisor-down`: it does not run (now). `not-found`: it has no such child. `already-present`: the id is taken.
 * `not-stopped`: only a stopped child can be deleted. `full`: the pool's `maxChildren`.
 */
export type AdministrationReason = 'supervisor-down' | 'not-found' | 'already-present' | 'not-stopped' | 'full';

export class AdministrationError extends Error {
  override readonly name = 'AdministrationError';
  readonly path: string;
  readonly reason: AdministrationReason;
  constructor(path: string, reason: AdministrationReason, why: string) {
    super(`${path}: ${why}`);
    this.path = path;
    this.reason = reason;
  }
}

/** Anything can be thrown; only Errors go on from here. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(`thrown, though not an Error: ${typeof thrown === 'string' ? thrown : typeof thrown}`, {
    cause: thrown,
  });
}

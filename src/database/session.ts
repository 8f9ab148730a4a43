/**
 * What code outside `src/database` sees of PostgreSQL: transactions, read-only sessions, COPY in both directions, and
 * the errors that matter to a caller. Only `src/database` imports `pg`; a step handler never holds the `Database`.
 */
import type { Readable, Writable } from 'node:stream';

// biome-ignore lint/suspicious/noExplicitAny: a row's shape is stated by the caller, next to its SQL
export type Row = Record<string, any>;

export interface ReadSession {
  /** Runs one statement and returns its rows. bigint and numeric columns arrive as strings. */
  query<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /** Streams `copy (select …) to stdout` into a writable, which is ended; resolves to the number of bytes. */
  copyOut(text: string, target: Writable): Promise<number>;
}

export interface Tx extends ReadSession {
  /** Streams a readable into `copy t (…) from stdin`; resolves to the number of rows. */
  copyIn(text: string, source: Readable): Promise<number>;
}

export interface Database {
  /** One statement, on its own. */
  query<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /**
   * Runs `work` in one transaction. What it throws rolls back and is thrown on. Throws `CommitUnknownError` when COMMIT
   * was sent and its answer was lost; a session that saw a connection error or a failed rollback is destroyed.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>, options?: { signal?: AbortSignal }): Promise<T>;
  /**
   * Runs `work` in one `read only, repeatable read` transaction on its own session. `signal`, here and above, cancels the
   * running statement on the server and rejects with its reason; a COMMIT that was sent is not cancelled.
   */
  read<T>(work: (session: ReadSession) => Promise<T>, options?: { signal?: AbortSignal }): Promise<T>;
  /** Live backends, busy ones and waiters; for health. */
  status(): { total: number; idle: number; waiting: number };
  /** Destroys every session, busy or not: what is in flight rejects with `DatabaseDownError`. For a host that went silent. */
  abandon(reason: Error): void;
  close(): Promise<void>;
}

/** COMMIT was sent and the connection died before the answer: it may have committed. Settled by the log (engine.md). */
export class CommitUnknownError extends Error {
  override readonly name = 'CommitUnknownError';
}

/** The database cannot be reached or is starting, stopping or failing over: a state to wait out, no one's crash. */
export class DatabaseDownError extends Error {
  override readonly name = 'DatabaseDownError';
}

/** Every session of the pool was busy for too long: the caller's bound, not the database's trouble. */
export class PoolBusyError extends Error {
  override readonly name = 'PoolBusyError';
}

/**
 * True for the connection-class errors of a `Database`: it throws `DatabaseDownError` for lost, refused and ending
 * connections, with pg's own error as `cause`. A network error of someone else (an SFTP server that refuses) is none.
 */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof DatabaseDownError || error instanceof CommitUnknownError) return true;
  return error instanceof Error && isDownState((error as { code?: unknown }).code);
}

/** SQLSTATEs that speak of the connection or of the server's state: 08, 57P0x, 25006 (a standby), 25P03, 53300. */
export function isDownState(code: unknown): boolean {
  if (typeof code !== 'string') return false;
  return /^(08...|57P0.|25006|25P03|53300)$/.test(code);
}

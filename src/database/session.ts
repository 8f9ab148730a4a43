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
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs `work` in one `read only, repeatable read` transaction on its own session. `signal` cancels the query on the server. */
  read<T>(work: (session: ReadSession) => Promise<T>, options?: { signal?: AbortSignal }): Promise<T>;
  /** Live backends, busy ones and waiters; for health. */
  status(): { total: number; idle: number; waiting: number };
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

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOENT',
  'ECONNABORTED',
  'EHOSTUNREACH',
]);

/** True for connection-class errors: SQLSTATE 08, 57P0x, 25006, ECONN* and pg's own words for a lost connection. */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof DatabaseDownError || error instanceof CommitUnknownError) return true;
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string') {
    if (code.startsWith('08') || code.startsWith('57P0') || code === '25006' || networkCodes.has(code)) return true;
  }
  return /Connection terminated|connection timeout|timeout exceeded when trying to connect|Client has encountered a connection error/i.test(
    error.message,
  );
}

/**
 * The `Database` over pg's pool.
 *
 * - A poisoned session (lost, cancelled, broken COPY, failed rollback) is destroyed, never given to the next caller.
 * - Every session has lock_timeout, idle_in_transaction_session_timeout and TCP keepalive, so no forgotten transaction
 *   holds others up for ever. Connecting is bounded by 5 s, waiting for a free session by 30 s (`PoolBusyError`).
 * - Lost, refused and ending connections are `DatabaseDownError`; `onError` also hears those of idle sessions.
 * - bigint, numeric, date and timestamp columns arrive as text (a `date` has no time zone to be turned into a Date in);
 *   timestamptz is a Date.
 */
import type { Writable } from 'node:stream';
import pg from 'pg';
import { QuickClient, urlOf } from './client.ts';
import { fixedPlace, type Place } from './place.ts';
import { type PoolSession, sendTogether, sessionOf, translate } from './pool-session.ts';
import {
  CommitUnknownError,
  type Database,
  DatabaseDownError,
  isConnectionError,
  PoolBusyError,
  type ReadSession,
  type Row,
  type Tx,
} from './session.ts';

export interface PoolOptions {
  readonly applicationName: string;
  /** Most sessions at once. Default 10. */
  readonly max?: number;
  /** `set` statements for every new session of this pool, such as the engine's planner pins. */
  readonly settings?: readonly string[];
  /** Every statement is prepared once in each session: for pools whose statements are few and always the same. Default false. */
  readonly prepare?: boolean;
  /** Statements of one session go out without waiting for the answers before; for whoever sends many at once. Default false. */
  readonly pipeline?: boolean;
  /** How long a caller waits for a free session. Default 30,000. */
  readonly acquireTimeoutMs?: number;
  /** How long a statement waits for a lock. Default 30,000; 0: for ever. */
  readonly lockTimeoutMs?: number;
  /** How long a transaction may stand still between two statements. Default 60,000; 0: for ever. */
  readonly idleInTransactionTimeoutMs?: number;
  /** Connection errors that no caller sees. */
  readonly onError?: (error: Error) => void;
}

interface Checkout {
  readonly client: pg.PoolClient;
  readonly session: PoolSession;
  /** Back into the pool, or destroyed when poisoned. */
  giveBack(): void;
}

/** Plans that a session keeps; whoever builds statements at run time must not fill it with them. */
const mostPrepared = 200;
/** Not begin, commit, set and the like, which have no plan. */
const preparable = /^\s*(select|with|insert|update|delete)\b/;

const rawText = new Set<number>([pg.types.builtins.DATE, pg.types.builtins.TIMESTAMP]);
const types = {
  getTypeParser(id: number, format?: 'text' | 'binary') {
    if (rawText.has(id)) return (value: unknown) => value;
    return format === 'binary' ? pg.types.getTypeParser(id, 'binary') : pg.types.getTypeParser(id, 'text');
  },
};

/** `where`: a URL, or a place whose sessions may lead to another host from one moment to the next. */
export function openDatabase(where: string | Place, options: PoolOptions): Database {
  const place = typeof where === 'string' ? fixedPlace(where) : where;
  const settings = options.settings ?? [];
  const pids = new WeakMap<pg.ClientBase, number>();
  /** Connected and not in use yet: the pool tells of them only when they are prepared. */
  const preparing = new Set<pg.ClientBase>();
  const prepare = async (client: pg.ClientBase) => {
    preparing.add(client);
    try {
      await askAndSet(client);
    } catch (error) {
      preparing.delete(client);
      throw error;
    }
  };
  const askAndSet = async (client: pg.ClientBase) => {
    // Asked for, because a session pooler announces a key of its own that names no backend.
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    await place.admit(urlOf(client), async <R extends Row>(text: string) => (await client.query<R>(text)).rows);
    pids.set(client, rows[0]!.pid);
    if (settings.length > 0) await client.query(settings.join(';'));
  };
  const pool = new pg.Pool({
    Client: QuickClient as unknown as new () => pg.ClientBase,
    // handed on to each client
    ...({ place } as object),
    max: options.max ?? 10,
    application_name: options.applicationName,
    ...(options.pipeline ? { pipeline: true } : {}),
    connectionTimeoutMillis: options.acquireTimeoutMs ?? 30_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    lock_timeout: options.lockTimeoutMs ?? 30_000,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 60_000,
    types: types as pg.CustomTypesConfig,
    // The pool awaits the promise, though its types do not say so.
    onConnect: prepare as unknown as (client: pg.ClientBase) => void,
  });
  const tell = (error: Error) => options.onError?.(translate(error) as Error);
  const live = new Map<pg.PoolClient, { lost: Error | null }>();
  pool.on('error', tell);
  pool.on('connect', (client) => {
    const mark: { lost: Error | null } = { lost: null };
    live.set(client, mark);
    preparing.delete(client);
    // A checked-out client without a listener would turn a lost connection into the end of the process.
    client.on('error', (error) => {
      mark.lost = error;
    });
  });
  pool.on('remove', (client) => void live.delete(client));

  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    if (!options.prepare || !preparable.test(text)) return undefined;
    let name = names.get(text);
    if (name === undefined) {
      if (names.size >= mostPrepared) return undefined;
      name = `s${names.size + 1}`;
      names.set(text, name);
    }
    return name;
  };

  async function checkout(): Promise<Checkout> {
    let client: pg.PoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      if (error instanceof Error && error.message === 'timeout exceeded when trying to connect') {
        if (live.size === 0) throw new DatabaseDownError('no connection to the database came about', { cause: error });
        throw new PoolBusyError(
          `all ${pool.totalCount} sessions of '${options.applicationName}' stayed busy for ${options.acquireTimeoutMs ?? 30_000} ms`,
          { cause: error },
        );
      }
      throw translate(error);
    }
    const session = sessionOf(
      client,
      () => live.get(client)?.lost ?? null,
      () => void cancelBackend(urlOf(client), pids.get(client)).catch(tell),
      nameOf,
      () => options.pipeline && sendTogether(socketOf(client)),
    );
    return { client, session, giveBack: () => client.release(session.poison() ?? undefined) };
  }

  async function inTransaction<S extends ReadSession, T>(
    begin: string,
    work: (session: S) => Promise<T>,
    signal: AbortSignal | undefined,
    settle: (session: PoolSession) => Promise<void>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const { session, giveBack } = await checkout();
    const abort = () => session.abort(signal!.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      signal?.throwIfAborted();
      await session.query(begin);
      const result = await work(session as unknown as S);
      signal?.throwIfAborted();
      signal?.removeEventListener('abort', abort);
      await settle(session);
      return result;
    } catch (error) {
      signal?.removeEventListener('abort', abort);
      if (!session.poison()) await session.query('rollback').catch((failure: Error) => session.abort(failure));
      throw error;
    } finally {
      giveBack();
    }
  }

  return {
    async query<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
      const { session, giveBack } = await checkout();
      try {
        return await session.query<R>(text, values);
      } finally {
        giveBack();
      }
    },
    transaction<T>(work: (tx: Tx) => Promise<T>, { signal }: { signal?: AbortSignal } = {}): Promise<T> {
      return inTransaction<Tx, T>('begin', work, signal, async (session) => {
        await session.query('commit').catch((error: unknown) => {
          if (!isConnectionError(error)) throw error;
          throw new CommitUnknownError('the answer to COMMIT was lost; the log tells whether it committed', {
            cause: error,
          });
        });
      });
    },
    async read<T>(work: (session: ReadSession) => Promise<T>, { signal }: { signal?: AbortSignal } = {}): Promise<T> {
      const begin = 'begin transaction isolation level repeatable read, read only';
      return inTransaction<ReadSession, T>(
        begin,
        (session) => work(readOnly(session)),
        signal,
        async (session) => void (await session.query('commit')),
      );
    },
    status() {
      return { total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount };
    },
    abandon(reason) {
      const error = new DatabaseDownError(reason.message, { cause: reason });
      for (const client of [...live.keys(), ...preparing]) socketOf(client).destroy(error);
    },
    async close() {
      await pool.end();
    },
  };
}

/** Over a connection of its own: the pool may have no session left, which is when a cancel matters most. */
async function cancelBackend(url: string, pid: number | undefined): Promise<void> {
  const canceller = new QuickClient({ place: fixedPlace(url), application_name: 'linekeeper cancel' });
  canceller.on('error', () => {});
  try {
    await canceller.connect();
    await canceller.query('select pg_cancel_backend($1)', [pid]);
  } finally {
    await canceller.end().catch(() => {});
  }
}

/** A write through a read-only session is its author's mistake; on a writable one 25006 means a standby. */
function readOnly(session: ReadSession): ReadSession {
  return {
    copyOut: (text, target) => session.copyOut(text, target),
    async query<R extends Row>(text: string, values?: readonly unknown[]): Promise<R[]> {
      return session.query<R>(text, values).catch((error: unknown) => {
        if ((error as { code?: unknown }).code !== '25006') throw error;
        throw new Error('this session is read-only: write in commit(tx), the completing transaction', { cause: error });
      });
    },
  };
}

function socketOf(client: pg.ClientBase): Writable {
  return (client as unknown as { connection: { stream: Writable } }).connection.stream;
}

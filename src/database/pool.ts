/**
 * The `Database` over pg's pool. A session that saw an error outside a plain statement error is destroyed, not reused:
 * a poisoned session must never reach the next caller.
 */

import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import {
  CommitUnknownError,
  type Database,
  isConnectionError,
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
  readonly onError?: (error: Error) => void;
}

export function openDatabase(url: string, options: PoolOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 10,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
  });
  pool.on('error', (error) => options.onError?.(error));
  const prepared = new WeakSet<pg.PoolClient>();

  async function checkout(): Promise<pg.PoolClient> {
    const client = await pool.connect();
    if (!prepared.has(client) && options.settings && options.settings.length > 0) {
      try {
        await client.query(options.settings.join(';'));
      } catch (error) {
        client.release(true);
        throw error;
      }
    }
    prepared.add(client);
    return client;
  }

  return {
    async query<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
      const client = await checkout();
      try {
        const result = await client.query<R>(text, values as unknown[]);
        client.release();
        return result.rows;
      } catch (error) {
        client.release(isConnectionError(error));
        throw error;
      }
    },
    async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
      const client = await checkout();
      let committing = false;
      try {
        await client.query('begin');
        const result = await work(sessionOf(client));
        committing = true;
        await client.query('commit');
        client.release();
        return result;
      } catch (error) {
        await giveBack(client, error);
        if (committing && isConnectionError(error)) {
          throw new CommitUnknownError('the answer to COMMIT was lost; the log tells whether it committed', {
            cause: error,
          });
        }
        throw error;
      }
    },
    async read<T>(work: (session: ReadSession) => Promise<T>, { signal }: { signal?: AbortSignal } = {}): Promise<T> {
      signal?.throwIfAborted();
      const client = await checkout();
      const pid = (client as unknown as { processID: number }).processID;
      const cancel = () => {
        pool.query('select pg_cancel_backend($1)', [pid]).catch((error: Error) => options.onError?.(error));
      };
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        await client.query('begin transaction isolation level repeatable read, read only');
        const result = await work(sessionOf(client));
        await client.query('commit');
        signal?.removeEventListener('abort', cancel);
        client.release();
        return result;
      } catch (error) {
        signal?.removeEventListener('abort', cancel);
        await giveBack(client, error);
        throw error;
      }
    },
    status() {
      return { total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount };
    },
    async close() {
      await pool.end();
    },
  };
}

async function giveBack(client: pg.PoolClient, error: unknown): Promise<void> {
  if (isConnectionError(error)) {
    client.release(true);
    return;
  }
  try {
    await client.query('rollback');
    client.release();
  } catch {
    client.release(true);
  }
}

function sessionOf(client: pg.PoolClient): Tx {
  return {
    async query<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
      return (await client.query<R>(text, values as unknown[])).rows;
    },
    async copyOut(text: string, target: Writable): Promise<number> {
      const source = client.query(copyTo(text));
      let bytes = 0;
      source.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      await pipeline(source, target);
      return bytes;
    },
    async copyIn(text: string, source: Readable): Promise<number> {
      const sink = client.query(copyFrom(text));
      await pipeline(source, sink);
      return sink.rowCount ?? 0;
    },
  };
}

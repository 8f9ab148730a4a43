/**
 * One checked-out session of the pool: statements, COPY and the mark of poison. A session is poisoned when nobody can say
 * any more what the server does with it (lost connection, broken COPY, cancelled statement); the pool destroys it then.
 */
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { DatabaseDownError, isDownState, type Row, type Tx } from './session.ts';

export interface PoolSession extends Tx {
  /** Why the session must not be used again; null while it is sound. */
  poison(): Error | null;
  /** Cancels what runs and lets nothing further run. */
  abort(reason: unknown): void;
}

/** What is written in one turn of the loop goes out in one call of the system, whose price is that of a small statement. */
export function sendTogether(stream: Writable): void {
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

/**
 * `nameOf` gives a statement the name under which its plan is kept, or none. `lost` tells of an error on the connection
 * itself; `cancel` asks the server to end the running statement; `beforeQuery` is called when one is about to be sent.
 */
export function sessionOf(
  client: pg.PoolClient,
  lost: () => Error | null,
  cancel: () => void,
  nameOf: (text: string) => string | undefined,
  beforeQuery: () => void,
): PoolSession {
  let broken: Error | null = null;
  let aborted: { reason: unknown } | null = null;

  async function through<T>(work: () => Promise<T>): Promise<T> {
    if (aborted) throw aborted.reason;
    try {
      return await work();
    } catch (error) {
      if (aborted) throw (aborted as { reason: unknown }).reason;
      const translated = lost() === null ? translate(error) : ofLost(error);
      if (translated instanceof DatabaseDownError) broken = translated;
      throw translated;
    }
  }

  return {
    query<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
      const name = nameOf(text);
      const statement = { text, values: values as unknown[], ...(name === undefined ? {} : { name }) };
      return through(async () => {
        beforeQuery();
        return (await client.query<R>(statement)).rows;
      });
    },
    copyOut(text: string, target: Writable): Promise<number> {
      return through(async () => {
        const source = client.query(copyTo(text));
        let bytes = 0;
        source.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
        });
        await pipeline(source, target).catch((error: Error) => {
          // The rest of the rows may still be on its way.
          broken = error;
          throw error;
        });
        return bytes;
      });
    },
    copyIn(text: string, source: Readable): Promise<number> {
      return through(async () => {
        const sink = client.query(copyFrom(text));
        await pipeline(source, sink).catch((error: Error) => {
          broken = error;
          throw error;
        });
        return sink.rowCount ?? 0;
      });
    },
    poison: () => broken ?? lost(),
    abort(reason) {
      aborted = { reason };
      // The cancel may arrive late and must not meet the next caller's statement.
      broken = reason instanceof Error ? reason : new Error('aborted');
      cancel();
    },
  };
}

/**
 * pg's errors for a lost connection become `DatabaseDownError`; everything else stays what it is. Errors of files and of
 * other networks pass here too (COPY streams), so a bare ENOENT or ECONNRESET without pg's socket behind it says nothing.
 */
export function translate(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DatabaseDownError) return error;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  const network = syscall === 'connect' || syscall === 'getaddrinfo' || (syscall === 'read' && code === 'ECONNRESET');
  const lost = isDownState(code) || network || (syscall === 'write' && code === 'EPIPE') || pgWords.test(error.message);
  if (!lost) return error;
  const down = new DatabaseDownError(`the database cannot be reached: ${error.message}`, { cause: error });
  return Object.assign(down, typeof code === 'string' ? { code } : {});
}

/**
 * The connection is known to be lost. A COPY then fails with the socket's own error, which by itself does not say whose
 * socket it was; what the server had answered before stays what it is.
 */
function ofLost(error: unknown): unknown {
  const translated = translate(error);
  if (translated instanceof DatabaseDownError || !(error instanceof Error) || 'severity' in error) return translated;
  return new DatabaseDownError(`the database cannot be reached: ${error.message}`, { cause: error });
}

const pgWords =
  /^(Connection terminated|timeout expired|Client has encountered a connection error|Client was closed|Connection ended)/;

/**
 * The `Tx` that a commit callback gets: it stops working when the callback has ended, so that a forgotten promise cannot
 * write into the next caller's transaction, and it remembers whether the session itself was lost, which is the database's
 * trouble and not the callback's.
 */
import type { Readable, Writable } from 'node:stream';
import { isConnectionError, type Row, type Tx } from '../database/session.ts';

export interface GuardedTx {
  readonly tx: Tx;
  /** The connection error that this session ran into, null when there was none. */
  lost(): unknown;
  close(): void;
}

export function guardTx(tx: Tx, who: string, afterFirstStatement: () => Promise<void> | void): GuardedTx {
  let open = true;
  let lost: unknown = null;
  let statements = 0;

  async function through<T>(work: () => Promise<T>): Promise<T> {
    if (!open)
      throw new Error(`${who} used its transaction after its commit callback had ended; await every statement`);
    try {
      const result = await work();
      statements += 1;
      if (statements === 1) await afterFirstStatement();
      return result;
    } catch (error) {
      if (isConnectionError(error)) lost = error;
      throw error;
    }
  }

  return {
    tx: {
      query: <R extends Row>(text: string, values?: readonly unknown[]) => through(() => tx.query<R>(text, values)),
      copyOut: (text: string, target: Writable) => through(() => tx.copyOut(text, target)),
      copyIn: (text: string, source: Readable) => through(() => tx.copyIn(text, source)),
    },
    lost: () => lost,
    close() {
      open = false;
    },
  };
}

/**
 * The `Tx` that a commit callback gets: it stops working when the callback has ended, so that a forgotten promise cannot
 * write into the next caller's transaction, and it remembers whether the session itself was lost, which is the database's
 * trouble and not the callback's.
 */
import { type Readable, Transform, type Writable } from 'node:stream';
import { isConnectionError, type Row, type Tx } from '../database/session.ts';

export interface GuardedTx {
  readonly tx: Tx;
  /** The connection error that this session ran into, null when there was none. */
  lost(): unknown;
  close(): void;
}

/** Where a test may stop the world inside a callback; see stop-points.ts. */
export interface CallbackStops {
  afterStatement(): Promise<void> | void;
  /** Null: nothing stops there, and the stream is left alone. */
  readonly midCopy: (() => Promise<void> | void) | null;
}

export function guardTx(tx: Tx, who: string, stops: CallbackStops): GuardedTx {
  let open = true;
  let lost: unknown = null;

  async function through<T>(work: () => Promise<T>): Promise<T> {
    if (!open)
      throw new Error(`${who} used its transaction after its commit callback had ended; await every statement`);
    try {
      const result = await work();
      await stops.afterStatement();
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
      copyIn: (text: string, source: Readable) =>
        through(() => tx.copyIn(text, stops.midCopy ? stopInside(source, stops.midCopy) : source)),
    },
    lost: () => lost,
    close() {
      open = false;
    },
  };
}

/** Passes the first chunk on and stops before the next one, or before the end: the COPY is open and has rows. */
function stopInside(source: Readable, stop: () => Promise<void> | void): Readable {
  let chunks = 0;
  const reach = (done: (error?: Error | null) => void) => {
    Promise.resolve(stop()).then(() => done(), done);
  };
  const through = new Transform({
    transform(chunk, _encoding, done) {
      chunks += 1;
      if (chunks === 2) reach((error) => done(error, chunk));
      else done(null, chunk);
    },
    flush(done) {
      if (chunks === 1) reach(done);
      else done();
    },
  });
  source.on('error', (error) => through.destroy(error));
  return source.pipe(through);
}

/**
 * A database that may fall silent: it accepts connections and never answers, as behind a broken network. Nothing may wait
 * for it for ever. The prober notices within seconds, since a call that takes longer than `suspectAfterMs` makes it look at
 * once; then every session of the pools kept here is destroyed, and what was in flight rejects with `DatabaseDownError`.
 */
import type { Availability } from '../database/availability.ts';
import { type Database, DatabaseDownError, type ReadSession, type Row, type Tx } from '../database/session.ts';

export interface OpenPools {
  /** Its sessions are destroyed whenever the database goes down. Until it is closed. */
  keep(database: Database): Database;
  /** The same now: the server is not the database any more. */
  abandon(reason: Error): void;
}

/**
 * Also after a single probe that failed: sessions from before a silence may never answer again, although new ones do. What
 * a commit did whose answer is lost this way tells the engine's log.
 */
export function abandonWhenSilent(availability: Pick<Availability, 'subscribe'>): OpenPools {
  const open = new Set<Database>();
  const abandon = (reason: Error) => {
    for (const database of open) database.abandon(reason);
  };
  availability.subscribe((state) => {
    if (state.kind === 'down') abandon(state.error);
  });
  return {
    abandon,
    keep(database) {
      open.add(database);
      return {
        ...database,
        close() {
          open.delete(database);
          return database.close();
        },
      };
    },
  };
}

/** Refuses at once while the database is known to be down, and makes the prober look when an answer takes long or says so. */
export function answering(
  database: Database,
  availability: Pick<Availability, 'state' | 'look' | 'report'>,
  suspectAfterMs = 1_000,
): Database {
  async function through<T>(work: () => Promise<T>): Promise<T> {
    const state = availability.state();
    if (state.kind === 'down') throw new DatabaseDownError('the database is away', { cause: state.error });
    const suspicion = setTimeout(availability.look, suspectAfterMs);
    try {
      return await work();
    } catch (error) {
      availability.report(error);
      throw error;
    } finally {
      clearTimeout(suspicion);
    }
  }
  return {
    ...database,
    query: <R extends Row>(text: string, values?: readonly unknown[]) => through(() => database.query<R>(text, values)),
    transaction: <T>(work: (tx: Tx) => Promise<T>, options?: { signal?: AbortSignal }) =>
      through(() => database.transaction(work, options)),
    read: <T>(work: (session: ReadSession) => Promise<T>, options?: { signal?: AbortSignal }) =>
      through(() => database.read(work, options)),
  };
}

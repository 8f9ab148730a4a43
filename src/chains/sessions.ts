/**
 * The engine's own sessions, opened anew for each boot id: their application_name carries it, so that recovery can end
 * what a frozen node still holds. Each pool has a bound of its own in front (facts.md: a wait inside pg's pool ends as a
 * connection error, which would look like a database that is down).
 */
import type { Database, ReadSession, Row, Tx } from '../database/session.ts';
import type { OpenDatabase } from './environment.ts';

/**
 * Pins for claims and completions: on fresh statistics PostgreSQL chooses a sequential scan with a nested loop, 3.7x slower
 * overall (facts.md). Not for reads and for commit callbacks of their own, whose statements need a free planner.
 */
export const plannerPins: readonly string[] = [
  ...['seqscan', 'hashjoin', 'mergejoin', 'bitmapscan', 'sort', 'material'].map((what) => `set enable_${what} = off`),
  'set jit = off',
  'set plan_cache_mode = force_generic_plan',
];

const limits = (lockSeconds: number, idleSeconds: number): string[] => [
  `set lock_timeout = '${lockSeconds}s'`,
  `set idle_in_transaction_session_timeout = '${idleSeconds}s'`,
  `set tcp_user_timeout = '15s'`,
];

export interface Sessions {
  /** Claims, completions without a callback, sweep, recovery: short statements, planner pinned. */
  readonly engine: Database;
  /** Completions with a callback. */
  readonly commits: Database;
  /** Completions whose callbacks share a transaction: one statement after the other goes out without waiting for answers. */
  readonly shared: Database;
  /** Handlers' read-only sessions. */
  readonly reads: Database;
  /** One session for the beat, so that a busy pool never delays it. */
  readonly lease: Database;
  /** Resolves when all are closed or after `deadlineMs`; a session that a lost callback holds does not hold it up. */
  close(deadlineMs: number): Promise<void>;
}

export function openSessions(open: OpenDatabase, bootId: string, onError: (error: Error) => void): Sessions {
  const make = (max: number, settings: readonly string[], prepare = false, pipeline = false) =>
    bounded(open({ applicationName: applicationNameOf(bootId), max, settings, onError, prepare, pipeline }), max);
  const engine = make(8, [...plannerPins, ...limits(30, 60)], true);
  const commits = make(8, limits(60, 3_600));
  const shared = make(2, [...plannerPins, ...limits(60, 3_600)], true, true);
  const reads = make(16, limits(60, 0));
  const lease = make(1, [...plannerPins, ...limits(5, 30)], true);
  return {
    engine,
    commits,
    shared,
    reads,
    lease,
    async close(deadlineMs) {
      const pools = [engine, commits, shared, reads, lease];
      const closed = Promise.allSettled(pools.map((database) => database.close()));
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, deadlineMs);
      });
      await Promise.race([closed, late]);
      clearTimeout(timer);
      for (const database of pools) database.abandon(new Error('the engine has ended'));
    },
  };
}

/** 55 characters; PostgreSQL cuts at 63. */
export function applicationNameOf(bootId: string): string {
  return `linekeeper engine ${bootId}`;
}

/** The database with at most `max` calls inside it at once; the others wait here, in order and without a timeout. */
export function bounded(database: Database, max: number): Database {
  let inside = 0;
  const waiting: (() => void)[] = [];

  async function through<T>(work: () => Promise<T>): Promise<T> {
    if (inside >= max) await new Promise<void>((resolve) => waiting.push(resolve));
    else inside += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else inside -= 1;
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

/**
 * What a server says of itself: whether it takes writes, which database cluster it is (`system_identifier`, the same on
 * every copy), and its timeline, which every promotion of a standby raises by one. The timeline is that of the WAL being
 * written: the one in the control file stays the old one until the first checkpoint after a promotion.
 */
import pg from 'pg';

export interface ServerFacts {
  readonly standby: boolean;
  /** It is one that takes writes. */
  readonly writable: boolean;
  /** Null when this role may not ask. */
  readonly system: string | null;
  /** Null on a standby, and when this role may not ask. */
  readonly timeline: number | null;
}

const state = `pg_is_in_recovery() as standby,
  not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off' as writable`;

const askAll = `
  select ${state}, (select system_identifier::text from pg_control_system()) as system,
    case when not pg_is_in_recovery()
      then ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline`;

const askState = `select ${state}, null as system, null as timeline`;

/** On a session that is there. Falls back to what everybody may ask. */
export async function readFacts(query: (text: string) => Promise<readonly unknown[]>): Promise<ServerFacts> {
  try {
    return (await query(askAll))[0] as ServerFacts;
  } catch (error) {
    // functions that this role may not call, or that a server which only resembles PostgreSQL lacks
    if (!/^(42501|42883|0A000)$/.test(String((error as { code?: unknown }).code))) throw error;
    return (await query(askState))[0] as ServerFacts;
  }
}

/**
 * Over a new connection, because an old one may live on where nobody can connect any more. Rejects with pg's error, or with
 * the signal's reason.
 */
export async function askServer(url: string, signal: AbortSignal, timeoutMs: number): Promise<ServerFacts> {
  signal.throwIfAborted();
  const client = new pg.Client({
    connectionString: url,
    application_name: 'linekeeper probe',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  client.on('error', () => {});
  const abort = () => void client.end().catch(() => {});
  signal.addEventListener('abort', abort, { once: true });
  try {
    await client.connect();
    return await readFacts(async (text) => (await client.query(text)).rows);
  } finally {
    signal.removeEventListener('abort', abort);
    await client.end().catch(() => {});
  }
}

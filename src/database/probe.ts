/**
 * One look at the database: a new connection, one statement, and the server must be one that takes writes. A new
 * connection, because an old one may live on where nobody can connect any more. Rejects with pg's error.
 */
import pg from 'pg';
import { DatabaseDownError } from './session.ts';

export async function probeDatabase(url: string, signal: AbortSignal, timeoutMs = 5_000): Promise<void> {
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
    const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
    if (rows[0]?.standby) throw new DatabaseDownError('the server is a standby and takes no writes');
  } finally {
    signal.removeEventListener('abort', abort);
    await client.end().catch(() => {});
  }
}

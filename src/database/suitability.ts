/**
 * Whether a server can carry Linekeeper at all: PostgreSQL 15 or newer, `btree_gist` at hand, and a direct connection.
 *
 * A transaction pooler lends its server sessions from transaction to transaction, so session settings, advisory locks and
 * cancels reach someone else. It is recognised by what cannot happen without one: a second connection that gets the very
 * backend which the first one, still connected, just had, or a first one that changes its backend. Poolers invent
 * the backend key that they announce; where it is not that of the backend, more connections are tried.
 */
import pg from 'pg';

/** The server lacks something a person must change; the message says what. */
export class UnsuitableDatabaseError extends Error {
  override readonly name = 'UnsuitableDatabaseError';
}

const oldestVersion = 150_000;

/** Throws `UnsuitableDatabaseError`, or pg's error when the server cannot be asked. */
export async function checkSuitability(url: string): Promise<void> {
  const client = await connect(url);
  try {
    const { rows } = await client.query<{ version: number; shown: string; gist: boolean }>(
      `select current_setting('server_version_num')::integer as version, current_setting('server_version') as shown,
              exists (select from pg_available_extensions where name = 'btree_gist') as gist`,
    );
    const server = rows[0]!;
    if (server.version < oldestVersion) {
      throw new UnsuitableDatabaseError(
        `the database is PostgreSQL ${server.shown}, and Linekeeper needs 15 or newer: upgrade the server, or unset DATABASE_URL to use the embedded one`,
      );
    }
    if (!server.gist) {
      throw new UnsuitableDatabaseError(
        `the PostgreSQL server lacks the extension btree_gist: install its contrib package (postgresql-contrib)`,
      );
    }
    if (await sharesBackends(url, client)) {
      throw new UnsuitableDatabaseError(
        'DATABASE_URL leads to a transaction pooler (such as PgBouncer with pool_mode=transaction), which lends one server session to several clients: give the address of PostgreSQL itself, or a pool in session mode',
      );
    }
  } finally {
    await client.end();
  }
}

async function sharesBackends(url: string, first: pg.Client): Promise<boolean> {
  const mine = await backendOf(first);
  const announced = (first as unknown as { processID: number | null }).processID;
  const others: pg.Client[] = [];
  try {
    for (let left = announced === mine ? 1 : 8; left > 0; left -= 1) {
      const other = await connect(url);
      others.push(other);
      // Held in a transaction, so that a pooler must give the next one another backend.
      const refused = await other.query('begin').then(
        () => null,
        (error: Error) => error,
      );
      if (refused && /pooling/.test(refused.message)) return true;
      if (refused) throw refused;
      if ((await backendOf(other)) === mine) return true;
    }
    return (await backendOf(first)) !== mine;
  } finally {
    await Promise.all(others.map((other) => other.end().catch(() => {})));
  }
}

async function backendOf(client: pg.Client): Promise<number> {
  return (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid;
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'linekeeper check',
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
  });
  client.on('error', () => {});
  await client.connect();
  return client;
}

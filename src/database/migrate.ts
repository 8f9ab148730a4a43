/**
 * Brings a database to this release's schema with node-pg-migrate. Several nodes may start at once: each takes a blocking
 * advisory lock on its own session first, so one migrates and the others find nothing to do.
 */
import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

const lockKey = 0x4c4b_4d47;

/** Runs all pending migrations; resolves to their names. Errors carry the migration's name and PostgreSQL's words. */
export async function migrate(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'linekeeper migrate' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [lockKey]);
    const done = await runner({
      dbClient: client,
      dir: join(import.meta.dirname, 'migrations'),
      direction: 'up',
      migrationsTable: 'schema_migration',
      noLock: true,
      log: () => {},
    });
    return done.map((migration) => migration.name);
  } finally {
    await client.end();
  }
}

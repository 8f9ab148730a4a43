/**
 * Brings a database to this release's schema with node-pg-migrate, and refuses one that is too new for this release.
 *
 * Several nodes may start at once: an advisory lock on the migrating session lets one work while the others look again
 * every 100 ms (a statement that waited inside the server would hold a snapshot, on which a migration could wait in turn).
 * Migrations expand first and contract later, so a node of the release before may run beside; `schema_release` names the
 * oldest release that the schema still serves.
 *
 * Throws `UnsuitableDatabaseError`, `SchemaTooNewError`, `MigrationError` (nothing of that migration is in place), or
 * `DatabaseDownError` when the server cannot be reached or goes away meanwhile.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { translate } from './pool-session.ts';
import { compareReleases, ownRelease } from './release.ts';
import { DatabaseDownError } from './session.ts';
import { checkSuitability } from './suitability.ts';

/** The schema serves only newer releases than this one. */
export class SchemaTooNewError extends Error {
  override readonly name = 'SchemaTooNewError';
}

export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

export interface MigrateOptions {
  /** Default: this package's version. */
  readonly release?: string;
  /** Default: the migrations beside this file. */
  readonly directory?: string;
  /** How long another node's migration is waited for. Default 600,000. */
  readonly lockTimeoutMs?: number;
}

const lockKey = 0x4c4b_4d47;

/** Runs all pending migrations; resolves to their names. */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<string[]> {
  try {
    return await bringUp(url, options);
  } catch (error) {
    throw translate(error);
  }
}

async function bringUp(url: string, options: MigrateOptions): Promise<string[]> {
  await checkSuitability(url);
  const client = new pg.Client({
    connectionString: url,
    application_name: 'linekeeper migrate',
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    await lock(client, options.lockTimeoutMs ?? 600_000);
    await refuseNewerSchema(client, options.release ?? ownRelease());
    return await run(client, options.directory ?? join(import.meta.dirname, 'migrations'));
  } finally {
    await client.end().catch(() => {});
  }
}

async function lock(client: pg.Client, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [lockKey]);
    if (rows[0]!.got) return;
    if (performance.now() > deadline) {
      throw new MigrationError(
        `another process has been migrating this database for ${timeoutMs} ms: see application_name 'linekeeper migrate' in pg_stat_activity`,
      );
    }
    await delay(100);
  }
}

async function refuseNewerSchema(client: pg.Client, release: string): Promise<void> {
  const there = await client.query<{ there: boolean }>(`select to_regclass('schema_release') is not null as there`);
  if (!there.rows[0]!.there) return;
  const { rows } = await client.query<{ minimum: string }>('select minimum_release as minimum from schema_release');
  const minimum = rows[0]?.minimum;
  if (minimum !== undefined && compareReleases(release, minimum) < 0) {
    throw new SchemaTooNewError(
      `the database's schema serves Linekeeper ${minimum} and newer, and this is ${release}: start the newer release, or restore a backup from before its last contract migration`,
    );
  }
}

async function run(client: pg.Client, dir: string): Promise<string[]> {
  let migrating = 'preparing the migrations';
  const quiet = () => {};
  const note = (line: string) => {
    migrating = /^### MIGRATION (\S+)/.exec(line)?.[1] ?? migrating;
  };
  try {
    const done = await runner({
      dbClient: client,
      dir,
      direction: 'up',
      migrationsTable: 'schema_migration',
      noLock: true,
      logger: { debug: quiet, info: note, warn: quiet, error: quiet },
    });
    return done.map((migration) => migration.name);
  } catch (cause) {
    if (translate(cause) instanceof DatabaseDownError) throw cause;
    throw new MigrationError(`${migrating} failed: ${(cause as Error).message}`, { cause });
  }
}

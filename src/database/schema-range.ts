/**
 * Whether this release could work with a database as it is now, or would bring it there. Only reads; an empty database and
 * one without a schema fit. Rejects with pg's error when the server cannot be asked.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { compareReleases, ownRelease } from './release.ts';

export interface SchemaRange {
  readonly fits: boolean;
  /** One line for a person. */
  readonly message: string;
}

/** The migrations of this release, in their order. */
export function ownMigrations(directory = join(import.meta.dirname, 'migrations')): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .map((name) => name.replace(/\.sql$/, ''))
    .sort();
}

/** What the schema is called that this release works with: its last migration. */
export function ownSchema(): string {
  return ownMigrations().at(-1)!;
}

export async function readSchemaRange(url: string, release = ownRelease()): Promise<SchemaRange> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'linekeeper release check',
    connectionTimeoutMillis: 10_000,
    query_timeout: 10_000,
    options: '-c default_transaction_read_only=on',
  });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ minimum: boolean; done: boolean }>(
      `select to_regclass('schema_release') is not null as minimum, to_regclass('schema_migration') is not null as done`,
    );
    const there = rows[0]!;
    const minimum = there.minimum ? await minimumRelease(client) : null;
    const done = there.done ? await migrationsDone(client) : [];
    return judge(release, minimum, done, ownMigrations());
  } finally {
    await client.end().catch(() => {});
  }
}

async function minimumRelease(client: pg.Client): Promise<string | null> {
  const { rows } = await client.query<{ minimum: string }>('select minimum_release as minimum from schema_release');
  return rows[0]?.minimum ?? null;
}

async function migrationsDone(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('select name from schema_migration order by run_on, id');
  return rows.map((row) => row.name);
}

function judge(release: string, minimum: string | null, done: readonly string[], own: readonly string[]): SchemaRange {
  if (minimum !== null && compareReleases(release, minimum) < 0) {
    return {
      fits: false,
      message: `the database's schema serves release ${minimum} and newer, and this is ${release}`,
    };
  }
  const stray = done.find((name, index) => index < own.length && own[index] !== name);
  if (stray !== undefined) {
    return {
      fits: false,
      message: `the database has the migration ${stray} where this release has ${own[done.indexOf(stray)]}`,
    };
  }
  const pending = own.slice(done.length);
  if (pending.length > 0) return { fits: true, message: `${pending.join(', ')} will be applied at its start` };
  const later = done.slice(own.length);
  return {
    fits: true,
    message:
      later.length > 0 ? `the schema is newer (${later.join(', ')}) and still serves it` : 'the schema is its own',
  };
}

/**
 * What must be in the database before work begins: this release's schema, the partitions by day, the schedules that the
 * product brings, and the archive that belongs to this database. Safe on several nodes at once and safe to run again.
 */

import { chainHistory, ensureDayPartitions, stepLog } from '../database/day-partitions.ts';
import { migrate, SchemaTooNewError } from '../database/migrate.ts';
import { UnsuitableDatabaseError } from '../database/suitability.ts';
import { ensureSchedule } from '../schedule/schedule.ts';
import type { Resources } from './resources.ts';

/** The archive directory belongs to another database. */
export class ForeignArchiveError extends Error {
  override readonly name = 'ForeignArchiveError';
}

const claimArchive = `
  with mine as (insert into installation (archive_id) values ($1) on conflict (singleton) do nothing returning archive_id)
  select archive_id from mine union all select archive_id from installation limit 1`;

/** Throws what `isUnsuitable` knows when no restart can help. */
export async function prepareDatabase({ archive, config, database, databaseUrl, log }: Resources): Promise<void> {
  const migrations = await migrate(databaseUrl());
  if (migrations.length > 0) log.info({ migrations }, 'the schema was brought to this release');
  await keepPartitions({ config, database, log });
  const [row] = await database.query<{ archive_id: string }>(claimArchive, [archive.id]);
  if (row!.archive_id !== archive.id) {
    throw new ForeignArchiveError(
      `the archive ${config.archive.directory} has the id ${archive.id}, but this database's archive is ${row!.archive_id}; point archive.directory at that one`,
    );
  }
  await database.transaction(async (tx) => {
    for (const schedule of schedules) {
      await ensureSchedule(tx, {
        ...schedule,
        timeZone: 'Europe/Amsterdam',
        input: {},
        catchUp: 'last',
        overlap: 'skip',
      });
    }
  });
}

/** What the product runs by itself. */
const schedules = [
  { name: 'sync:manager', cron: '*/5 * * * *', chain: 'sync-manager' },
  { name: 'cycle:closing', cron: '7,22,37,52 * * * *', chain: 'cycle-closing' },
  { name: 'purge:daily', cron: '40 3 * * *', chain: 'purge' },
] as const;

/** Makes the partitions of the coming days; what cannot be had at once (a lock) is tried again the next time. */
export async function keepPartitions({
  config,
  database,
  log,
}: Pick<Resources, 'config' | 'database' | 'log'>): Promise<void> {
  for (const table of [stepLog, chainHistory]) {
    try {
      const made = await ensureDayPartitions(database, table, config.retention.chainDays);
      if (made.length > 0) log.info({ partitions: made }, 'made partitions of the days to come');
    } catch (error) {
      if ((error as { code?: unknown }).code !== '55P03') throw error;
      log.warn({ error }, `${table.name} is too busy for new partitions; they are tried again`);
    }
  }
}

/** True for what only a person can change: exit code 78. */
export function isUnsuitable(error: unknown): boolean {
  return (
    error instanceof UnsuitableDatabaseError ||
    error instanceof SchemaTooNewError ||
    error instanceof ForeignArchiveError
  );
}

/**
 * The daily partitions of `step_log`, made ahead so that old days can later be dropped whole. Days are UTC days of the
 * database's clock. Rows of a day without a partition land in `step_log_rest`; a day that has rows there stays there,
 * because attaching would have to move them.
 *
 * Attaching locks `step_log_rest` for a moment; if that does not come at once the call gives up with PostgreSQL's
 * lock_timeout error rather than making every writer queue behind it. Calling again, also from several nodes, is harmless.
 */
import type { Database } from './session.ts';

const daysAhead = 3;

const missingDays = `
  select to_char(day, 'YYYYMMDD') as name, day::text as lower, (day + 1)::text as upper
  from (select (now() at time zone 'UTC')::date + n as day from generate_series(0, $1::integer) n) days
  where to_regclass('step_log_' || to_char(day, 'YYYYMMDD')) is null
    and not exists (
      select from step_log_rest
      where at >= day::timestamp at time zone 'UTC' and at < (day + 1)::timestamp at time zone 'UTC')
  order by day`;

/** Makes the partitions of today and the next three days; resolves to the names of those it made. */
export async function ensureLogPartitions(database: Database): Promise<string[]> {
  return database.transaction(async (tx) => {
    await tx.query(`set local lock_timeout = '2s'`);
    await tx.query(`select pg_advisory_xact_lock(hashtext('ensure_log_partitions'))`);
    const days = await tx.query<{ name: string; lower: string; upper: string }>(missingDays, [daysAhead]);
    for (const { name, lower, upper } of days) {
      // Names and bounds are digits and dashes that PostgreSQL itself made from a date.
      await tx.query(`create table step_log_${name} (like step_log including all)`);
      await tx.query(
        `alter table step_log attach partition step_log_${name} for values from ('${lower} 00:00+00') to ('${upper} 00:00+00')`,
      );
    }
    return days.map(({ name }) => `step_log_${name}`);
  });
}

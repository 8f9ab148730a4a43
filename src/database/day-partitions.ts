/**
 * Tables partitioned by UTC day of the database's clock: partitions are made ahead, and days past their retention are
 * dropped whole, which costs the same whatever is in them. What exists is read from the catalog (`pg_inherits`), never by
 * name through the search path.
 *
 * Rows of a day without a partition land in `<table>_rest`; such a day stays there, because attaching would have to move
 * its rows, and is deleted in batches once it is past retention. So the rest never piles up.
 *
 * Attaching and dropping lock the table for a moment; if that does not come at once the call gives up with PostgreSQL's
 * lock_timeout error (55P03) rather than make every writer queue behind it. Calling again, also from several nodes, is harmless.
 */
import type { Database, Tx } from './session.ts';

export interface DayTable {
  readonly name: string;
  /** The column that it is partitioned by. */
  readonly column: string;
  /** Days before today that need a partition when there are rows for them: `select` of the earliest instant, or null. */
  readonly earliest: string | null;
}

export const stepLog: DayTable = { name: 'step_log', column: 'at', earliest: null };
/** Chains that ended while nobody carried them over go to the day they ended. */
export const chainHistory: DayTable = {
  name: 'chain_history',
  column: 'finished_at',
  earliest: 'select min(finished_at) from chain where finished_at is not null',
};

const daysAhead = 3;

/** Makes the partitions of today and the next three days, and of past days that need one; resolves to their names. */
export async function ensureDayPartitions(database: Database, table: DayTable, keepDays = 90): Promise<string[]> {
  return database.transaction(async (tx) => {
    await begin(tx, '2s');
    const days = await tx.query<{ name: string; lower: string; upper: string }>(missingDays(table), [
      daysAhead,
      keepDays,
    ]);
    for (const { name, lower, upper } of days) {
      // Names and bounds are digits and dashes that PostgreSQL itself made from a date.
      await tx.query(`create table ${name} (like ${table.name} including all)`);
      await tx.query(
        `alter table ${table.name} attach partition ${name} for values from ('${lower} 00:00+00') to ('${upper} 00:00+00')`,
      );
    }
    return days.map(({ name }) => name);
  });
}

/** Drops the partitions whose whole day is more than `keepDays` days ago, each in a transaction; resolves to their names. */
export async function dropOldPartitions(database: Database, table: DayTable, keepDays: number): Promise<string[]> {
  const old = await database.query<{ name: string; qualified: string }>(oldDays, [table.name, keepDays]);
  for (const { qualified } of old) {
    await database.transaction(async (tx) => {
      await begin(tx, '250ms');
      // another node may have been first
      await tx.query(`drop table if exists ${qualified}`);
    });
  }
  return old.map(({ name }) => name);
}

/** Deletes at most `limit` rows of the rest that are past retention; resolves to how many. */
export async function deleteOldRest(
  database: Pick<Database, 'query'>,
  { name, column }: DayTable,
  keepDays: number,
  limit: number,
): Promise<number> {
  const rows = await database.query(
    `delete from ${name}_rest where ctid = any (array(
       select ctid from ${name}_rest where ${column} < now() - make_interval(days => $1::integer) limit $2
       for update skip locked))
     returning 1`,
    [keepDays, limit],
  );
  return rows.length;
}

async function begin(tx: Tx, lockTimeout: string): Promise<void> {
  await tx.query(`set local lock_timeout = '${lockTimeout}'`);
  await tx.query(`select pg_advisory_xact_lock(hashtext('day_partitions'))`);
}

const missingDays = ({ name, column, earliest }: DayTable) => `
  with clock as (select (now() at time zone 'UTC')::date as today),
  days as (
    select day::date from clock, generate_series(
      greatest(least(today, ${earliest === null ? 'today' : `((${earliest}) at time zone 'UTC')::date`}), today - $2::integer),
      today + $1::integer, interval '1 day') as day
  )
  select '${name}_' || to_char(day, 'YYYYMMDD') as name, day::text as lower, (day + 1)::text as upper
  from days
  where not exists (
      select from pg_inherits i join pg_class p on p.oid = i.inhrelid
      where i.inhparent = '${name}'::regclass and p.relname = '${name}_' || to_char(day, 'YYYYMMDD'))
    and not exists (
      select from ${name}_rest
      where ${column} >= day::timestamp at time zone 'UTC' and ${column} < (day + 1)::timestamp at time zone 'UTC')
  order by day`;

/**
 * By name, which is the day: $1 table, $2 days. Qualified, so that only this table's own partitions are ever dropped; not by
 * `regclass`, which says a number when another node has just dropped it.
 */
const oldDays = `
  select p.relname::text as name, format('%I.%I', n.nspname, p.relname) as qualified
  from pg_inherits i join pg_class p on p.oid = i.inhrelid join pg_namespace n on n.oid = p.relnamespace
  where i.inhparent = $1::regclass and p.relname ~ ('^' || $1 || '_\\d{8}$')
    and to_date(right(p.relname, 8), 'YYYYMMDD') + 1 <= (now() at time zone 'UTC')::date - $2::integer
  order by p.relname`;

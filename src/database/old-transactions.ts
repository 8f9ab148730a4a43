/**
 * Sessions that began a transaction long ago and do nothing in it. Their snapshot keeps vacuum from removing every row
 * version that died since, in every table of the database, so claims read more and more dead ones. Whoever may not see
 * other users' sessions (neither a superuser nor a member of pg_read_all_stats) sees its own user's alone.
 */
import type { Database } from './session.ts';

export interface OldTransaction {
  readonly pid: number;
  readonly applicationName: string;
  readonly user: string;
  readonly ageSeconds: number;
}

/** Oldest first, at most ten. */
export function oldTransactions(
  database: Pick<Database, 'query'>,
  { olderThanSeconds }: { readonly olderThanSeconds: number },
): Promise<OldTransaction[]> {
  return database.query(idleInTransaction, [olderThanSeconds]);
}

const idleInTransaction = `
  select pid, coalesce(application_name, '') as "applicationName", coalesce(usename, '') as user,
         extract(epoch from now() - xact_start)::int as "ageSeconds"
  from pg_stat_activity
  where datname = current_database() and state like 'idle in transaction%'
    and xact_start < now() - make_interval(secs => $1)
  order by xact_start
  limit 10`;

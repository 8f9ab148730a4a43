/**
 * The oracle of the whole product (domain.md 4.3), as SQL: every completed sync task is named by a totals generation that
 * consumed it (or by its "unchanged" note), and every due profile has a sync task that ends in time. Both counts are 0 in a
 * healthy system; they are health checks, and the oracle of the tests.
 *
 * What it reads does not grow with the tasks that were ever consumed: `settleConsumed` marks those that it has seen consumed,
 * in batches, and the look goes to the unmarked ones and to cycle rows that nothing consumed, each by a partial index. The
 * marks are the oracle's own, so whoever writes totals cannot talk it out of a look; a marked task that gets another
 * unconsumed cycle row (its chain ran again) is seen as before.
 */
import type { Database, ReadSession } from '../database/session.ts';

export interface OracleBreaches {
  /** Completed tasks without a consuming generation or note, older than the bound. */
  readonly unconsumedTasks: readonly string[];
  /** Enabled profiles that are overdue without an open task, or whose open task is past the bound. */
  readonly silentProfiles: readonly string[];
}

export const unconsumed = `
  select t.id from sync_task t
  where t.status = 'succeeded' and t.settled_at is null and t.finished_at < now() - make_interval(secs => $1)
    and not exists (select 1 from sync_task_cycle c where c.sync_task_id = t.id)
  union
  select t.id from sync_task_cycle c join sync_task t on t.id = c.sync_task_id
  where c.consumed_at is null and t.status = 'succeeded' and t.finished_at < now() - make_interval(secs => $1)
  order by id`;

export const settle = `
  update sync_task set settled_at = now() where id = any (array(
    select t.id from sync_task t
    where t.status = 'succeeded' and t.settled_at is null
      and exists (select 1 from sync_task_cycle c where c.sync_task_id = t.id)
      and not exists (select 1 from sync_task_cycle c where c.sync_task_id = t.id and c.consumed_at is null)
    limit $1 for update skip locked))
  returning 1`;

const silent = `
  select p.id from sync_profile p join contract k on k.id = p.contract_id join customer c on c.id = k.customer_id
  where p.enabled and p.suspended_reason is null and c.active and (
    (p.next_due < now() - make_interval(secs => $1)
      and not exists (select 1 from sync_task t where t.profile_id = p.id and t.status = 'open'))
    or exists (select 1 from sync_task t where t.profile_id = p.id and t.status = 'open'
      and t.started_at < now() - make_interval(secs => $2)))
  order by p.id`;

/** `dueWithinSeconds`: how long a due profile may be without a task; `endWithinSeconds`: how long a task may be open. */
export async function oracleBreaches(
  session: Pick<ReadSession, 'query'>,
  bounds: { consumedWithinSeconds: number; dueWithinSeconds: number; endWithinSeconds: number },
): Promise<OracleBreaches> {
  const tasks = await session.query<{ id: string }>(unconsumed, [bounds.consumedWithinSeconds]);
  const profiles = await session.query<{ id: string }>(silent, [bounds.dueWithinSeconds, bounds.endWithinSeconds]);
  return { unconsumedTasks: tasks.map((row) => row.id), silentProfiles: profiles.map((row) => row.id) };
}

/** Marks at most `limit` completed tasks that are consumed; resolves to how many. Several nodes may do it at once. */
export async function settleConsumed(database: Pick<Database, 'query'>, limit = 1_000): Promise<number> {
  return (await database.query(settle, [limit])).length;
}

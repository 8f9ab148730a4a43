/**
 * Joins, as rows: a parent waits in the state `children` until `pending`, the number of its children of that join that have
 * not counted yet, is 0; then it is ready for its next step. A child counts once, when it ends for the first time in a way
 * that its parent does not wait out. Each transaction that ends children runs `countEnded` as its last statement, which
 * locks the parents in the order of their ids; it is idempotent. Ending never goes up more than one level in a transaction:
 * the parent's own claim ends or fails it.
 */
import type { Tx } from '../database/session.ts';
import { counts, mayRunNow } from './row-rules.ts';

/** $1 ids of chains that may be children that have ended. Rows: the parents that need not wait any more. */
export const countEnded = `
  with mine as materialized (
    select c.id, c.parent_id, c.parent_token, c.state <> 'succeeded' and c.on_child_failure = 'fail' as failed
    from unnest($1::bigint[]) as g (id),
         lateral (select * from chain where chain.id = g.id and not chain.counted and chain.parent_id is not null
                  for no key update) c
    where ${counts('c')}
  ), marked as (
    update chain c set counted = true from mine where c.id = mine.id
    returning mine.parent_id, mine.parent_token, mine.failed
  ), ended as materialized (
    select parent_id, parent_token, count(*)::int as n, (count(*) filter (where failed))::int as failed
    from marked group by parent_id, parent_token order by parent_id, parent_token
  ), parents as materialized (
    select e.*, p.id from ended e, lateral (select id from chain where chain.id = e.parent_id for no key update) p
  )
  update chain p
  set pending = p.pending - e.n, failed_children = p.failed_children + e.failed,
      state = case when p.state = 'children' and p.pending - e.n <= 0 then ${mayRunNow('p')} else p.state end,
      since = case when p.state = 'children' and p.pending - e.n <= 0 then now() else p.since end,
      run_at = case when p.state = 'children' and p.pending - e.n <= 0 then now() else p.run_at end
  from parents e
  where p.id = e.id and p.join_token = e.parent_token
  returning p.id, p.state`;

/** Counts those of these chains that are children that have ended; resolves to the parents that may go on. */
export async function countChildren(tx: Pick<Tx, 'query'>, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await tx.query<{ id: string; state: string }>(countEnded, [ids]);
  return rows.filter(({ state }) => state !== 'children').map(({ id }) => id);
}

/** To be called when a chain ends, or begins again, while it waited for children: $1 id, $2 why, $3 who. */
export const abandonJoin = `
  insert into abandoned_join (parent_id, join_token, why, by)
  select id, join_token, $2, $3 from chain where id = $1 and join_token is not null and pending > 0
  on conflict do nothing`;

/**
 * Cancels up to $1 children of abandoned joins, and abandons theirs in turn. Rows: how many, and whether any are left of
 * joins that were looked at. What another transaction has locked is left to the next sweep.
 */
export const cancelAbandoned = `
  with open as materialized (
    select c.id, a.why, a.by, c.join_token, c.pending
    from (select * from abandoned_join limit 20) a
    cross join lateral (
      select id, join_token, pending from chain
      where parent_id = a.parent_id and parent_token = a.join_token
        and state not in ('succeeded', 'failed', 'cancelled')
      order by id
      limit $1
      for no key update skip locked) c
  ), further as (
    insert into abandoned_join (parent_id, join_token, why, by)
    select id, join_token, why, by from open where join_token is not null and pending > 0
    on conflict do nothing
  ), moved as (
    update chain c
    set state = 'cancelled', owner = null, token = c.token + 1, reason = open.why, reason_by = open.by, since = now(),
        finished_at = now()
    from open where c.id = open.id
    returning c.id, c.token, c.step, c.attempt, c.traceparent, c.reason, c.reason_by
  ), logged as (
    insert into step_log (chain_id, token, step, attempt, outcome, reason, traceparent)
    select id, token, step, attempt, 'cancelled', reason || ' (' || reason_by || ')', traceparent from moved
  )
  select id from moved`;

/** Forgets abandoned joins without open children. */
export const forgetAbandoned = `
  delete from abandoned_join a
  where not exists (select from chain c where c.parent_id = a.parent_id and c.parent_token = a.join_token
                      and c.state not in ('succeeded', 'failed', 'cancelled'))`;

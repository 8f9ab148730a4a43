/**
 * The audit of law 2: counts open chains that have no live reason, or are past its bound (engine.md, "State of a chain").
 * An empty list is the only good answer. It looks at rows alone; what a node holds in memory it tells in its lease row.
 *
 * - ready: a node had a lane free for `boundMs` all along, and the chain was ready for as long (a suspect: 10 min)
 * - running: its node's lease is live, holds (id, token) in memory (three beats are allowed), and is within the deadline
 * - timer: due less than one sweep ago, with `boundMs` of grace
 * - paused, blocked, quarantined, dead, review, breaker: somebody said why
 * - children: some child has not counted yet, and none that has ended is left uncounted
 * - breaker: that of its step is open
 * - concurrency: the slots of its key are held by chains that run
 */
import type { Database } from '../database/session.ts';
import { counts, isBroken, isPaused } from './row-rules.ts';

export interface AuditFinding {
  readonly finding: string;
  readonly chains: number;
  /** Up to ten of them. */
  readonly chainIds: readonly string[];
}

/** `boundMs`: default 5,000. */
export async function auditChains(
  session: Pick<Database, 'query'>,
  { boundMs = 5_000 }: { boundMs?: number } = {},
): Promise<AuditFinding[]> {
  const rows = await session.query(audit, [boundMs]);
  return rows.map((row) => ({ finding: row.finding, chains: row.chains, chainIds: row.ids }));
}

/** Of each concurrency key only the chain that is next is looked at, so that a long row behind it costs nothing. */
export const audit = `
  with recursive keys (key) as (
    (select slot_key from chain where state = 'concurrency' order by slot_key limit 1)
    union all
    select (select c.slot_key from chain c where c.state = 'concurrency' and c.slot_key > keys.key order by c.slot_key limit 1)
    from keys where keys.key is not null
  ),
  waited_for as (
    select next.* from keys cross join lateral (
      select id, name, step, since, slot_key, slot_limit from chain
      where state = 'concurrency' and slot_key = keys.key order by priority, run_at, id limit 1) next
    where keys.key is not null
  ),
  bound as (select make_interval(secs => $1::float8 / 1000) as b),
  free_lane as (
    select exists (
      select from node, bound
      where state = 'live' and not suspects and free_since < now() - b
        and beat_at > now() - make_interval(secs => 2 * beat_ms / 1000.0)) as yes
  ),
  found as (
    select c.id, 'ready for too long beside a free lane' as finding
    from chain c, bound, free_lane
    where c.state = 'ready' and free_lane.yes
      -- a suspect waits for a process of its own, which has to start, and for the suspects before it
      and c.since < now() - case when c.suspect > 0 then interval '10 minutes' else b end
    union all
    select c.id,
      case when n.id is null then 'running without a node'
           when n.beat_at < now() - make_interval(secs => 3 * n.lease_ms / 1000.0) - b then 'running on a node without a live lease'
           when not n.held ? (c.id || ':' || c.token)
                and c.since < now() - make_interval(secs => 4 * n.beat_ms / 1000.0) - b then 'running, but its node does not hold it'
           when (n.held ->> (c.id || ':' || c.token))::boolean then 'running past its deadline'
      end
    from bound, chain c left join node n on n.id = c.owner
    where c.state = 'running'
    union all
    select c.id, 'timer past due' from chain c, bound where c.state = 'timer' and c.run_at < now() - b
    union all
    select c.id, c.state || ' without a reason'
    from chain c
    where c.state in ('paused', 'blocked', 'quarantined', 'dead', 'review', 'breaker')
      and (c.reason is null or c.reason_by is null)
    union all
    select c.id, 'waits for a breaker that is closed'
    from bound, chain c
    where c.state = 'breaker' and c.since < now() - b
      and not exists (select from breaker k where k.chain = c.name and k.step = c.step)
    union all
    select c.id, case when k.uncounted is null then 'waits for children, and all of them have counted'
                      when k.ended then 'waits for a child that has ended' end
    from bound, chain c
    left join lateral (
      select count(*) as uncounted, bool_or(${counts('k')} and k.since < now() - b) as ended
      from chain k where k.parent_id = c.id and k.parent_token = c.join_token and not k.counted
      having count(*) > 0) k on true
    where c.state = 'children' and c.since < now() - b
    union all
    select w.id, 'waits for a free slot of its concurrency key'
    from bound, free_lane, waited_for w
    where free_lane.yes and w.since < now() - b and not (${isPaused('w.name')} or ${isBroken('w.name', 'w.step', 'w.id')})
      and (select count(*) from chain_slot s where s.key = w.slot_key) < w.slot_limit
    union all
    select s.chain_id, 'has a slot of a concurrency key and does not run with it'
    from bound, chain_slot s
    where s.since < now() - b
      and not exists (select from chain c where c.id = s.chain_id and c.state = 'running' and c.slot_key = s.key)
  )
  select finding, count(*)::int as chains, (array_agg(id::text order by id))[1:10] as ids
  from found where finding is not null
  group by finding order by finding`;

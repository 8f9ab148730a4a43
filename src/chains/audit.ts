/**
 * The audit of law 2: counts open chains that have no live reason, or are past its bound (engine.md, "State of a chain").
 * An empty list is the only good answer. It looks at rows alone; what a node holds in memory it tells in its lease row.
 *
 * - ready: a node had a lane free for `boundMs` all along, and the chain was ready for as long
 * - running: its node's lease is live, holds (id, token) in memory (three beats are allowed), and is within the deadline
 * - timer: due less than one sweep ago, with `boundMs` of grace
 * - paused, blocked, quarantined, dead, review, breaker: somebody said why
 * - children, concurrency: no step of this release waits so
 */
import type { Database } from '../database/session.ts';

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

export const audit = `
  with bound as (select make_interval(secs => $1::float8 / 1000) as b),
  free_lane as (
    select exists (
      select from node, bound
      where state = 'live' and free_since < now() - b
        and beat_at > now() - make_interval(secs => 2 * beat_ms / 1000.0)) as yes
  ),
  found as (
    select c.id, 'ready for too long beside a free lane' as finding
    from chain c, bound, free_lane
    where c.state = 'ready' and free_lane.yes and c.since < now() - b
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
    select c.id, 'waits for ' || c.state || ', which nothing of this release ends'
    from chain c where c.state in ('children', 'concurrency')
  )
  select finding, count(*)::int as chains, (array_agg(id::text order by id))[1:10] as ids
  from found where finding is not null
  group by finding order by finding`;

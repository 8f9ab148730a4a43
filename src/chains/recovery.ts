/**
 * Finds dead nodes and frees what they held. A node is dead when this one saw the same beat for a whole lease period on its
 * own monotonic clock while its own database session was up all the time: a reconnect, a failover or a new postmaster
 * begins the observation again, so that an outage or a clock step expires nobody.
 *
 * First the dead node's sessions are terminated (a frozen process must not hold row locks), then its chains are freed with
 * SKIP LOCKED, at every beat again until none is left. A chain whose handler had started is a suspect.
 */
import type { EngineLog } from './environment.ts';
import { countChildren } from './join-sql.ts';
import { mayRunNow } from './row-rules.ts';
import type { Sessions } from './sessions.ts';
import type { StopPoints } from './stop-points.ts';

export interface RecoveryContext {
  readonly bootId: string;
  readonly sessions: Sessions;
  readonly leaseMs: number;
  readonly nowMs: () => number;
  readonly quarantineAfter: number;
  readonly log: EngineLog;
  readonly stopPoints: StopPoints;
  /** Parents that their last child made ready. */
  readonly onParents: (ids: readonly string[]) => void;
  readonly onFreed: (freed: readonly FreedChain[]) => void;
}

export interface FreedChain {
  readonly id: string;
  readonly name: string;
  readonly step: string;
  readonly state: 'ready' | 'concurrency' | 'quarantined';
}

export interface Recovery {
  /** One look at the other nodes, and the work it leads to. */
  observe(): Promise<void>;
  /** After a connection error: what was observed before it counts for nothing. */
  forget(): void;
}

export function createRecovery(context: RecoveryContext): Recovery {
  const { sessions, nowMs } = context;
  const seen = new Map<string, { beat: string; sinceMs: number }>();
  let session = '';
  let goneDueMs = Number.NEGATIVE_INFINITY;

  /** All that runs is read: at most for a twentieth of the time, but once in a lease period, or at once when a node was declared dead. */
  async function ownersGone(): Promise<readonly string[]> {
    const beganMs = nowMs();
    if (beganMs < goneDueMs) return [];
    const rows = await sessions.engine.query<{ owner: string }>(readOwnersGone, [context.bootId]);
    goneDueMs = nowMs() + Math.min(20 * (nowMs() - beganMs), context.leaseMs - 1);
    return rows.map(({ owner }) => owner);
  }

  async function free(owner: string): Promise<void> {
    for (;;) {
      let parents: readonly string[] = [];
      const freed = await sessions.engine.transaction(async (tx) => {
        const rows = await tx.query(freeChains, [owner, context.quarantineAfter, context.bootId]);
        for (const row of rows) await context.stopPoints.reach('mid-recovery', row.id, row.step);
        const ended = rows.filter((row) => row.state === 'quarantined');
        parents = await countChildren(
          tx,
          ended.map((row) => row.id),
        );
        return rows as FreedChain[];
      });
      context.onParents(parents);
      if (freed.length === 0) return;
      context.log.warn({ node: owner, chains: freed.length }, 'freed the chains of a node that is gone');
      context.onFreed(freed);
    }
  }

  return {
    async observe() {
      const rows = await sessions.lease.query(readNodes, [context.bootId]);
      const now = nowMs();
      const own = `${rows[0]?.pid} ${rows[0]?.postmaster}`;
      if (own !== session) seen.clear();
      session = own;
      for (const row of rows) {
        if (row.id === null) continue;
        const before = seen.get(row.id);
        if (!before || before.beat !== row.beat) {
          seen.set(row.id, { beat: row.beat, sinceMs: now });
          continue;
        }
        if (now - before.sinceMs < context.leaseMs) continue;
        const declared = await sessions.lease.query(declareDead, [row.id, row.beat]);
        seen.delete(row.id);
        if (declared.length > 0) {
          goneDueMs = Number.NEGATIVE_INFINITY;
          context.log.warn({ node: row.id, beat: row.beat }, 'a node stopped beating and was declared dead');
        }
      }
      for (const owner of await ownersGone()) {
        await sessions.engine.query(terminateSessions, [owner]);
        await free(owner);
      }
    },
    forget() {
      seen.clear();
      session = '';
    },
  };
}

/** At least one row, so that the session is always told. */
const readNodes = `
  select pg_backend_pid() as pid, pg_postmaster_start_time()::text as postmaster, n.id, n.beat
  from (select 1) one left join node n on n.id <> $1 and n.state in ('live', 'draining')`;

const declareDead = `
  update node set state = 'dead' where id = $1 and beat = $2 and state in ('live', 'draining') returning id`;

/** In two ranges, so that what this node itself has run is not read. */
export const readOwnersGone = `
  select distinct c.owner from (
    select owner from chain where state = 'running' and owner < $1
    union all
    select owner from chain where state = 'running' and owner > $1) c
  where not exists (select from node n where n.id = c.owner and n.state in ('live', 'draining'))`;

const terminateSessions = `
  select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name like '%' || $1::text and pid <> pg_backend_pid()`;

const freeChains = `
  with mine as materialized (
    select id from chain where owner = $1 and state = 'running' limit 500 for no key update skip locked
  ), alone as (
    select exists (select from node where id = $1 and suspects) as yes
  ), freed as (
    update chain c
    set state = (case when c.started_token = c.token and (alone.yes or c.suspect + 1 >= $2::int) then 'quarantined'::chain_state else ${mayRunNow('c')} end
                ),
        owner = null, token = c.token + 1,
        attempt = case when c.started_token = c.token then c.attempt else greatest(c.attempt - 1, 0) end,
        suspect = c.suspect + (c.started_token is not distinct from c.token)::int,
        reason = case when c.started_token = c.token and alone.yes
                 then 'the process that ran nothing but its step ' || c.step || ' died'
                 when c.started_token = c.token and c.suspect + 1 >= $2::int
                 then 'its process died ' || (c.suspect + 1) || ' times while it ran step ' || c.step
                 else 'its node is gone' end,
        reason_by = 'engine', since = now()
    from mine, alone where c.id = mine.id
    returning c.id, c.name, c.step, c.state, c.token, c.attempt, c.reason, c.traceparent
  ), logged as (
    insert into step_log (chain_id, token, step, attempt, outcome, reason, node, traceparent)
    select id, token, step, attempt, 'recovered', reason, $3, traceparent from freed
  )
  select id, name, step, state from freed`;

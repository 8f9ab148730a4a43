/**
 * Opening and closing sync tasks. A task, its routing decision and its chain are stored in one transaction, so that there
 * is never a task that nobody works on. `sync_task_one_open` lets one open task per profile exist, on any number of nodes.
 */
import type { Json } from '../chains/define.ts';
import type { Tx } from '../database/session.ts';
import { cycleStartOfDate } from '../telecom/cycle.ts';
import type { RoutingDecision } from './registry.ts';

/**
 * Stores a chain in the caller's transaction and returns its id. The engine's `enqueue`, as far as providers need it: a
 * chain that this release does not define is stored as `blocked`.
 */
export type EnqueueChain = (
  tx: Tx,
  chain: string,
  input: Json,
  options: { subject: string; requestedBy: string; traceparent?: string },
) => Promise<string>;

export interface DueProfile {
  readonly id: string;
  readonly name: string;
  readonly sync_type: string;
  readonly contract_id: string;
  readonly customer: string;
  readonly cycle_day: number;
  /** The same for all profiles with the same credential; null for those without one. */
  readonly session_key: string | null;
  /** Today's date in the contract's zone by the database's clock, ISO. */
  readonly local_date: string;
}

export const profileColumns = `p.id, p.name, p.sync_type, p.contract_id, p.session_key, c.code as customer, k.cycle_day,
  to_char(now() at time zone k.time_zone, 'YYYY-MM-DD') as local_date`;

export interface OpenedTask {
  readonly taskId: string;
  readonly chainId: string | null;
  readonly decision: RoutingDecision;
}

/** Inserts the task, the decision and, when routed, the chain. Null when the profile already has an open task. */
export async function openSyncTask(
  tx: Tx,
  profile: DueProfile,
  decision: RoutingDecision,
  enqueue: EnqueueChain,
  options: { requestedBy: string; force: boolean; traceparent?: string },
): Promise<OpenedTask | null> {
  const status = decision.result === 'routed' ? 'open' : 'unroutable';
  const [task] = await tx.query<{ id: string }>(
    `insert into sync_task (profile_id, requested_by, cycle_start, status, finished_at)
     values ($1, $2, $3, $4, case when $4 = 'unroutable' then now() end)
     on conflict (profile_id) where status = 'open' do nothing returning id`,
    [profile.id, options.requestedBy, cycleStartOfDate(profile.local_date, profile.cycle_day), status],
  );
  if (!task) return null;
  let chainId: string | null = null;
  if (decision.result === 'routed') {
    chainId = await enqueue(
      tx,
      decision.chain,
      {
        syncTaskId: task.id,
        profileId: profile.id,
        contractId: profile.contract_id,
        force: options.force,
        ...(profile.session_key === null ? {} : { session: profile.session_key }),
      },
      {
        subject: `${profile.customer}/${profile.name}`,
        requestedBy: options.requestedBy,
        ...(options.traceparent ? { traceparent: options.traceparent } : {}),
      },
    );
    await tx.query('update sync_task set chain_id = $2 where id = $1', [task.id, chainId]);
  }
  await tx.query(
    `insert into routing_decision (sync_task_id, sync_type, result, chain_name, chain_id, reason) values ($1, $2, $3, $4, $5, $6)`,
    [
      task.id,
      decision.syncType,
      decision.result,
      decision.result === 'routed' ? decision.chain : null,
      chainId,
      decision.result === 'failed' ? decision.reason : null,
    ],
  );
  return { taskId: task.id, chainId, decision };
}

/**
 * Closes tasks whose chain ended without reaching totals (dead, quarantined, failed or cancelled, or so long ago that it was
 * carried into history), so that the profile's next run is not held up by them. A later retry of such a chain that succeeds sets its task to succeeded again.
 */
export async function closeBrokenTasks(tx: Tx): Promise<readonly string[]> {
  const closed = await tx.query<{ profile_id: string }>(
    `with broken as (
       update sync_task t set status = 'failed', finished_at = now()
       where t.status = 'open' and t.chain_id is not null and not exists (
         select from chain c
         where c.id = t.chain_id and c.state not in ('dead', 'quarantined', 'failed', 'cancelled'))
       returning t.profile_id
     )
     update sync_profile p set consecutive_failures = consecutive_failures + 1
     from broken b where p.id = b.profile_id returning p.id as profile_id`,
  );
  return closed.map((row) => row.profile_id);
}

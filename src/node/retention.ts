/**
 * What is kept for how long, and its removal: whole partitions of ended chains and of the log, and rows of the tables that
 * grow beside them, in batches of at most `batch`. Every node may do this at any time: rows that another one holds are passed
 * over, a partition that cannot be locked at once is dropped the next time.
 */
import type { Alerts } from '../alerts/alerts.ts';
import { settledChainAlerts } from '../chains/chain-alerts.ts';
import { createMover, dropExpiredKeys, type Mover } from '../chains/history.ts';
import { chainHistory, deleteOldRest, dropOldPartitions, stepLog } from '../database/day-partitions.ts';
import type { Database } from '../database/session.ts';

export interface Retention {
  /** For ended chains, logs of steps, schedule slots, routing decisions and resolved alerts. */
  readonly chainDays: number;
  readonly auditDays: number;
}

export interface Removed {
  /** Partitions that are gone. */
  readonly partitions: readonly string[];
  /** Those that could not be locked in time. */
  readonly busy: readonly string[];
  /** Deleted rows, of the tables that had any. */
  readonly rows: Readonly<Record<string, number>>;
  /** True when a batch was full: there may be more to delete. */
  readonly more: boolean;
}

/** What the actor does, on this node's sessions. */
export function retentionWork(
  database: Database,
  alerts: Pick<Alerts, 'resolve'>,
  config: { readonly retention: Retention; readonly chains: { readonly keepFinishedMs: number } },
): { readonly carry: Mover['carry']; readonly remove: () => Promise<Removed> } {
  const { keepFinishedMs: keepMs } = config.chains;
  return {
    carry: createMover(database, { keepMs, batch: 1_000, nowMs: () => performance.now() }).carry,
    remove: () => removeOld(database, alerts, config.retention),
  };
}

/** One bounded round over everything. */
export async function removeOld(
  database: Database,
  alerts: Pick<Alerts, 'resolve'>,
  retention: Retention,
  batch = 1_000,
): Promise<Removed> {
  const { chainDays, auditDays } = retention;
  const partitions: string[] = [];
  const busy: string[] = [];
  // the log first: a parent whose log is there has all its children (history.ts)
  for (const table of [stepLog, chainHistory]) {
    try {
      partitions.push(...(await dropOldPartitions(database, table, chainDays)));
    } catch (error) {
      if ((error as { code?: unknown }).code !== '55P03') throw error;
      busy.push(table.name);
      break;
    }
  }
  const deleted = async (statement: string, days: number) => (await database.query(statement, [days, batch])).length;
  const logRest = await deleteOldRest(database, stepLog, chainDays, batch);
  const mayDropChains = busy.length === 0 && logRest < batch;
  const settled = await settledChainAlerts(database, batch);
  for (const { rule, subject } of settled) alerts.resolve(rule, subject);
  const counts: Record<string, number> = {
    step_log_rest: logRest,
    chain_history_rest: mayDropChains ? await deleteOldRest(database, chainHistory, chainDays, batch) : 0,
    effect_intent: await deleted(oldIntents, chainDays),
    chain_key: await dropExpiredKeys(database, batch),
    node: await deleted(oldNodes, nodeDays),
    schedule_slot: await deleted(oldSlots, chainDays),
    routing_decision: await deleted(oldestFirst('routing_decision'), chainDays),
    alert: await deleted(oldAlerts, chainDays),
    audit: await deleted(oldestFirst('audit'), auditDays),
  };
  const rows = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  return { partitions, busy, rows, more: Object.values(counts).some((count) => count >= batch) };
}

/** A lease row says nothing any more once its node has ended and nothing runs under it. */
const nodeDays = 1;

const oldNodes = `
  delete from node where id = any (array(
    select n.id from node n
    where n.state in ('dead', 'ended') and n.beat_at < now() - make_interval(days => $1::integer)
      and not exists (select from chain c where c.owner = n.id and c.state = 'running')
    limit $2 for update skip locked))
  returning 1`;

/** Written by a chain that is nowhere any more. */
const oldIntents = `
  delete from effect_intent where (chain_id, step) in (
    select chain_id, step from effect_intent e
    where at < now() - make_interval(days => $1::integer) and not exists (select from every_chain c where c.id = e.chain_id)
    order by at limit $2 for update skip locked)
  returning 1`;

/** The last slot that fired stays whatever its age, since its chain may be open and the overlap policy asks for it; so does one that waits. */
const oldSlots = `
  with last_fired as materialized (
    select s.name, (select max(l.due_at) from schedule_slot l where l.schedule = s.name and l.result = 'fired') as due_at
    from schedule s
  ), old as materialized (
    select o.schedule, o.due_at from last_fired f, lateral (
      select schedule, due_at from schedule_slot
      where schedule = f.name and due_at < now() - make_interval(days => $1::integer)
        and due_at is distinct from f.due_at and result <> 'queued'
      order by due_at limit $2 for update skip locked) o
    limit $2
  )
  delete from schedule_slot s using old where s.schedule = old.schedule and s.due_at = old.due_at
  returning 1`;

const oldAlerts = `
  delete from alert where id = any (array(
    select id from alert where state = 'resolved' and resolved_at < now() - make_interval(days => $1::integer)
    order by resolved_at limit $2 for update skip locked))
  returning 1`;

/** Ids rise with time, so only the oldest rows are looked at: no index on the time is needed, however many are kept. */
const oldestFirst = (table: 'routing_decision' | 'audit') => `
  delete from ${table} where id = any (array(
    select id from (select id, at from ${table} order by id limit $2) o
    where at < now() - make_interval(days => $1::integer)))
  returning 1`;

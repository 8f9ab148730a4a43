/**
 * Read-only looks at chains: the list and one chain with its log. For the doors; nothing here is hot. Chains that ended
 * long ago are in history and are seen all the same. What is asked about open chains alone reads no chain that has ended.
 */

import type { Database } from '../database/session.ts';
import type { Json } from './define.ts';

type Session = Pick<Database, 'query'>;

export interface ChainFilter {
  readonly name?: string;
  readonly states?: readonly string[];
  /** Only open chains: neither succeeded, failed nor cancelled. */
  readonly open?: boolean;
  readonly subject?: string;
  /** Newest first, only ids below this one: the last id of the page before. */
  readonly before?: string;
  /** Default 50, at most 1,000. */
  readonly limit?: number;
}

export interface ChainRow {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly step: string;
  readonly state: string;
  readonly priority: number;
  readonly attempt: number;
  readonly rejections: number;
  readonly subject: string | null;
  readonly reason: string | null;
  readonly reasonBy: string | null;
  readonly requestedBy: string | null;
  readonly runAt: Date;
  readonly since: Date;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly traceparent: string;
}

export interface ChainDetail extends ChainRow {
  readonly owner: string | null;
  readonly token: string;
  readonly suspect: number;
  readonly uniqueKey: string | null;
  readonly parentId: string | null;
  /** Children of its last join that it waits for, and those that failed it. */
  readonly pendingChildren: number;
  readonly failedChildren: number;
  readonly concurrencyKey: string | null;
  readonly input: Json;
  /** Output of the step before; of the last one when the chain has succeeded. */
  readonly previous: Json;
  readonly log: readonly LogRow[];
}

export interface LogRow {
  readonly token: string;
  readonly at: Date;
  readonly step: string;
  readonly attempt: number;
  readonly outcome: string;
  readonly reason: string | null;
  readonly output: Json;
  readonly error: Json;
  readonly node: string | null;
  readonly startedAt: Date | null;
  readonly traceparent: string;
}

/** Newest first. A state that does not exist has no chains. */
export async function listChains(session: Session, filter: ChainFilter = {}): Promise<ChainRow[]> {
  const states = statesOf(filter);
  if (states.length === 0) return [];
  const onlyOpen = states.every((state) => openStates.includes(state));
  return session.query(onlyOpen ? listOpen : list, [
    filter.name ?? null,
    states,
    filter.subject ?? null,
    filter.before ?? null,
    Math.min(Math.max(1, filter.limit ?? 50), 1_000),
  ]) as Promise<ChainRow[]>;
}

const waitingStates = ['children', 'concurrency', 'paused', 'breaker', 'review', 'blocked', 'quarantined', 'dead'];
const openStates = ['ready', 'running', 'timer', ...waitingStates];
const endStates = ['succeeded', 'failed', 'cancelled'];

function statesOf({ states, open }: ChainFilter): string[] {
  return (open ? openStates : [...openStates, ...endStates]).filter((state) => states?.includes(state) ?? true);
}

/** Null when there is no such chain. */
export async function showChain(session: Session, chainId: string): Promise<ChainDetail | null> {
  const [chain] = await session.query(show, [chainId]);
  if (!chain) return null;
  const log = await session.query(readSteps, [chainId]);
  return { ...chain, log } as unknown as ChainDetail;
}

/** How many chains are in each state. */
export async function countChains(session: Session): Promise<Record<string, number>> {
  const rows = await session.query<{ state: string; count: number }>(count);
  return Object.fromEntries(rows.map((row) => [row.state, row.count]));
}

const columns = `
  id, name, version, step, state, priority, attempt, rejections, subject, reason, reason_by as "reasonBy",
  requested_by as "requestedBy", run_at as "runAt", since, created_at as "createdAt", finished_at as "finishedAt",
  traceparent`;

const matching = `
  ($1::text is null or name = $1) and state = any ($2::chain_state[]) and ($3::text is null or subject = $3)
    and ($4::bigint is null or id < $4)`;

export const list = `
  select ${columns} from every_chain
  where ${matching}
  order by id desc
  limit $5`;

/** By the partial indexes of the open states: $2 alone would not lead PostgreSQL to them. */
export const listOpen = `
  select ${columns} from (
    ${['ready', 'running', 'timer']
      .map((state) => `select * from chain where state = '${state}' and ${matching} union all`)
      .join('\n    ')}
    select * from chain where state in (${waitingStates.map((state) => `'${state}'`).join(', ')}) and ${matching}
  ) open
  order by id desc
  limit $5`;

const show = `
  select ${columns}, owner, token, suspect, unique_key as "uniqueKey", parent_id as "parentId", pending as "pendingChildren",
         failed_children as "failedChildren", slot_key as "concurrencyKey", input, previous
  from every_chain where id = $1`;

const readSteps = `
  select token, at, step, attempt, outcome, reason, output, error, node, started_at as "startedAt", traceparent
  from step_log where chain_id = $1 order by token, at`;

const count = 'select state::text, count(*)::int from chain group by state';

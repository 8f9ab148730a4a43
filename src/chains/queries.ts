/** Read-only looks at chains: the list and one chain with its log. For the doors; nothing here is hot. */

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

/** Newest first. */
export async function listChains(session: Session, filter: ChainFilter = {}): Promise<ChainRow[]> {
  return session.query(list, [
    filter.name ?? null,
    filter.states ?? null,
    filter.open ?? false,
    filter.subject ?? null,
    filter.before ?? null,
    Math.min(Math.max(1, filter.limit ?? 50), 1_000),
  ]) as Promise<ChainRow[]>;
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

const list = `
  select ${columns} from chain
  where ($1::text is null or name = $1)
    and ($2::text[] is null or state::text = any ($2))
    and (not $3::boolean or state not in ('succeeded', 'failed', 'cancelled'))
    and ($4::text is null or subject = $4)
    and ($5::bigint is null or id < $5)
  order by id desc
  limit $6`;

const show = `
  select ${columns}, owner, token, suspect, unique_key as "uniqueKey", parent_id as "parentId", pending as "pendingChildren",
         failed_children as "failedChildren", slot_key as "concurrencyKey", input, previous
  from chain where id = $1`;

const readSteps = `
  select token, at, step, attempt, outcome, reason, output, error, node, started_at as "startedAt", traceparent
  from step_log where chain_id = $1 order by token, at`;

const count = 'select state::text, count(*)::int from chain group by state';

/**
 * The claim: takes ready chains for this node, oldest of the highest priority first, each under a new token with its
 * attempt counted. `started_token` is written at once because every claimed chain goes straight to a free lane: what a dead
 * process leaves so is a suspect. Chains that this release does not know are left to nodes that do (the sweep blocks what
 * nobody takes), and what is paused is left alone. Each priority is read from its low-water mark on. A claim whose answer was
 * lost is released by the next renewals, with its attempt.
 *
 * A claim does not wait for the disk, nor for a standby: nothing was promised to anybody yet, and what it leads to is flushed
 * after it. When the server crashes at that moment the chain is ready as before, and comes again under the same token.
 */
import type { Database, Row } from '../database/session.ts';
import type { LowWater } from './low-water.ts';
import { isBroken, isPaused } from './row-rules.ts';
import type { ClaimedChain, Linked } from './run.ts';

/** What a claim and a continuation know of the chain's parent, join, slot and depth, as SQL on its row; mostly null. */
export function linkedOf(row: string): string {
  return `case when ${row}.parent_id is not null or ${row}.slot_key is not null or ${row}.join_token is not null
                 or ${row}.generation > 0
          then json_build_object('parentId', ${row}.parent_id::text, 'slotKey', ${row}.slot_key,
                                 'joinToken', ${row}.join_token::text, 'failedChildren', ${row}.failed_children,
                                 'depth', ${row}.depth,
                                 'generation', ${row}.generation) end as linked`;
}

export const claimedColumns = `c.id, c.name, c.version, c.step, c.token, c.attempt, c.rejections, c.priority, c.subject, c.input,
            c.previous, c.traceparent, now()::text as claimed_at, ${linkedOf('c')}`;

export const claimReady = `
  with picked as materialized (
    select c.id
    from unnest($6::float8[]) with ordinality as low (from_s, n), lateral (
      select id from chain
      where state = 'ready' and priority = low.n - 1 and run_at >= to_timestamp(low.from_s)
        and name || ' ' || version = any ($4)
        and ($5::boolean is null or (suspect > 0) = $5)
        and (name like 'node-proof.%' or not (${isPaused('name')} or ${isBroken('chain.name', 'chain.step', 'chain.id')}))
      order by run_at, id
      limit $2
      for no key update skip locked
    ) c
    where low.n - 1 >= $3
    limit $2
  )
  update chain c
  set state = 'running', owner = $1, token = c.token + 1, started_token = c.token + 1, attempt = c.attempt + 1,
      since = now(), reason = null, reason_by = null
  from picked
  where c.id = picked.id and (select set_config('synchronous_commit', 'off', true)) = 'off'
  returning ${claimedColumns}, extract(epoch from c.run_at)::float8 as run_at_s`;

export interface ClaimOptions {
  readonly bootId: string;
  readonly count: number;
  readonly lowestPriority: number;
  readonly known: readonly string[];
  /** Only suspects, or all but suspects; null: whatever is ready. */
  readonly suspects: boolean | null;
}

/** A row with `claimedColumns`. */
export interface ClaimRow extends Row {
  readonly id: string;
  readonly linked: Linked | null;
}

export async function claim(
  engine: Database,
  options: ClaimOptions & { readonly lowWater: LowWater; readonly nowMs: () => number },
): Promise<ClaimedChain[]> {
  const { bootId, count, lowestPriority, known, suspects, lowWater, nowMs } = options;
  const beganMs = nowMs();
  const beginning = lowWater.begin(beganMs);
  const values = [bootId, count, lowestPriority, known, suspects, beginning];
  const rows = await engine.query<ClaimRow>(claimReady, values);
  const places = rows.map((row) => ({ priority: row.priority as number, runAtS: row.run_at_s as number }));
  lowWater.end(beginning, places, beganMs, nowMs());
  return rows.map(claimedOf);
}

export function claimedOf(row: ClaimRow): ClaimedChain {
  return {
    chainId: row.id,
    name: row.name,
    version: row.version,
    step: row.step,
    token: BigInt(row.token),
    attempt: row.attempt,
    rejections: row.rejections,
    priority: row.priority,
    subject: row.subject,
    input: row.input,
    previous: row.previous,
    traceparent: row.traceparent,
    claimedAt: row.claimed_at,
    linked: row.linked,
  };
}

/**
 * Priorities do not starve: every eighth claim leaves out the upper one, two or three of them in turn, so that the low ones
 * get an eighth of the lanes even when critical chains never end.
 */
export function lowestPriorityOf(claimNumber: number): number {
  if (claimNumber % 8 !== 7) return 0;
  return 1 + (Math.floor(claimNumber / 8) % 3);
}

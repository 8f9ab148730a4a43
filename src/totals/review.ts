/**
 * Generations that wait for a person (guard.ts), and the person's answer: accept makes the generation current, discard drops
 * it. What is discarded does not come again by itself; only changed records, or a recalculation, make a new one.
 */
import type { ReadSession, Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { lockCycleOf } from './cycles.ts';
import { discardWaiting, swapTo } from './swap.ts';

export interface WaitingGeneration {
  readonly customer: string;
  readonly account: string;
  readonly contractId: string;
  readonly cycleStart: string;
  readonly generation: number;
  readonly current: number;
  readonly why: string;
  readonly records: string;
  readonly amountE8: string;
  readonly currentRecords: string;
  readonly currentAmountE8: string;
  readonly since: string;
}

const sumsOf = (generation: string) => `
  (select coalesce(sum(records), 0)::bigint as records, coalesce(sum(amount_e8), 0)::bigint as amount from total_usage u
   where u.contract_id = g.contract_id and u.cycle_start = g.cycle_start and u.generation = ${generation})`;

const waiting = `
  select c.code as customer, k.account_no as account, k.id as "contractId", to_char(g.cycle_start, 'YYYY-MM-DD') as "cycleStart",
    g.generation, o.generation as current, g.review_reason as why, n.records, n.amount as "amountE8",
    b.records as "currentRecords", b.amount as "currentAmountE8",
    to_char(g.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since
  from total_generation g join contract k on k.id = g.contract_id join customer c on c.id = k.customer_id
  join total_generation o on o.contract_id = g.contract_id and o.cycle_start = g.cycle_start and o.state = 'current'
  cross join lateral ${sumsOf('g.generation')} n cross join lateral ${sumsOf('o.generation')} b
  where g.state = 'review' and ($1::text is null or c.code = $1) order by c.code, k.account_no, g.cycle_start`;

export async function waitingGenerations(
  session: Pick<ReadSession, 'query'>,
  customer: string | null = null,
): Promise<WaitingGeneration[]> {
  return session.query<WaitingGeneration>(waiting, [customer]);
}

const reviewOf = `
  select generation from total_generation where contract_id = $1 and cycle_start = $2 and state = 'review'`;

const noteAccepted = `
  update total_generation set reason = reason || $4 where contract_id = $1 and cycle_start = $2 and generation = $3`;

/** Throws `InputError` when nothing waits. Resolves to the generation that was decided about. */
export async function decideReview(
  tx: Tx,
  contractId: string,
  cycleStart: string,
  verdict: 'accept' | 'discard',
  by: { readonly by: string; readonly reason: string },
): Promise<{ generation: number }> {
  await lockCycleOf(tx, contractId, cycleStart);
  const [review] = await tx.query<{ generation: number }>(reviewOf, [contractId, cycleStart]);
  if (!review) {
    throw new InputError(`no totals of cycle ${cycleStart} wait for a person; see what does: linekeeper totals review`);
  }
  const note = `${verdict === 'accept' ? 'accepted' : 'discarded'} by ${by.by}: ${by.reason}`;
  if (verdict === 'discard') await discardWaiting(tx, contractId, cycleStart, note);
  else {
    await tx.query(noteAccepted, [contractId, cycleStart, review.generation, `; ${note}`]);
    await swapTo(tx, contractId, cycleStart, review.generation);
  }
  return review;
}

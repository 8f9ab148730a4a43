/**
 * What of a rating run belongs to the cycle itself: without adjustments of closed cycles, those included that came home since
 * or went with their reversal. Adjustments are no fall of the cycle that they lie in. Read only when the sums fell: it looks for
 * records in all cycles of the contract.
 */
import type { ReadSession } from '../database/session.ts';
import { withLinearJoins } from './linear-joins.ts';

const ownSums = `
  select count(*) filter (where own)::float8 as records, coalesce(sum(amount_e8) filter (where own), 0)::bigint as "amountE8",
    count(*)::float8 as rated
  from (
    select r.amount_e8, coalesce(r.reason, '') not like 'reversal of %'
      and (d.id is null or (d.cycle_start = $2 and d.adjusts_cycle is null)) as own
    from rated_cdr r left join cdr d on d.contract_id = $1 and d.id = r.cdr_id
    where r.contract_id = $1 and r.cycle_start = $2 and r.rating_run_id = $3) o`;

/** Null when the prices of the run are not kept. */
export async function ownSumsOf(
  session: Pick<ReadSession, 'query'>,
  contractId: string,
  cycleStart: string,
  ratingRunId: string,
): Promise<{ records: bigint; amountE8: bigint } | null> {
  const [own] = await withLinearJoins(session, () =>
    session.query<{ records: number; amountE8: string; rated: number }>(ownSums, [contractId, cycleStart, ratingRunId]),
  );
  if (own!.rated === 0) return null;
  return { records: BigInt(own!.records), amountE8: BigInt(own!.amountE8) };
}

/** Allowances in the database, and what each rating run took from them. */
import type { ReadSession, Tx } from '../database/session.ts';
import type { Allowance, AllowanceState } from '../telecom/allowance.ts';

const allowancesOfContract = `
  select a.id, a.name, a.kind, a.amount::float8 as amount, a.shared, s.msisdn, a.priority, a.increment::float8 as increment,
    a.scope -> 'categories' as categories, a.scope -> 'zones' as zones, to_char(lower(a.valid), 'YYYY-MM-DD') as "validFrom",
    to_char(upper(a.valid), 'YYYY-MM-DD') as "validTo", a.fair_use as "fairUse"
  from allowance a left join subscription s on s.id = a.subscription_id
  where a.contract_id = $1 order by a.id`;

export async function readAllowances(session: ReadSession, contractId: string): Promise<Allowance[]> {
  return session.query<Allowance>(allowancesOfContract, [contractId]);
}

const insertUsage = `
  insert into allowance_usage (contract_id, cycle_start, rating_run_id, allowance_id, msisdn, amount, used, fair_use_limit, fair_use_used)
  select $1, $2, $3, u.* from unnest($4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[]) u`;

/** Runs that are neither the cycle's newest nor behind published totals. */
const dropOldUsage = `
  delete from allowance_usage u where contract_id = $1 and cycle_start = $2 and rating_run_id <> $3
    and not exists (select 1 from total_generation g where g.contract_id = $1 and g.cycle_start = $2
      and g.state in ('current', 'review') and g.rating_run_id = u.rating_run_id)`;

export async function storeAllowanceUsage(
  tx: Tx,
  run: { readonly contractId: string; readonly cycleStart: string; readonly ratingRunId: string },
  states: readonly AllowanceState[],
): Promise<void> {
  const key = [run.contractId, run.cycleStart, run.ratingRunId];
  if (states.length > 0) {
    await tx.query(insertUsage, [
      ...key,
      states.map((state) => state.id),
      states.map((state) => state.msisdn),
      states.map((state) => state.amount),
      states.map((state) => state.used),
      states.map((state) => state.fairUseLimit),
      states.map((state) => state.fairUseUsed),
    ]);
  }
  await tx.query(dropOldUsage, key);
}

/**
 * What a person says of findings: accepted (we pay it), disputed (the provider is asked), resolved (settled otherwise) or open
 * again. Who and why is kept with it, and both go along into the next reconciliation.
 */
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import type { FindingState } from './finding.ts';

export interface Decide {
  readonly id: string;
  readonly state: FindingState;
  readonly why: string;
  readonly by: string;
}

export interface DecidedFinding {
  readonly id: string;
  readonly state: FindingState;
  readonly before: FindingState;
  readonly customer: string;
  readonly cycleStart: string;
  readonly contractId: string;
}

const decideOne = `
  with before as (
    select f.id, f.state, r.contract_id, r.cycle_start, r.state as reconciliation
    from recon_finding f join reconciliation r on r.id = f.recon_id where f.id = $1 for update of f
  ), decided as (
    update recon_finding f set state = $2, state_by = $3, state_why = $4, state_at = now()
    from before b where f.id = b.id and b.reconciliation = 'current'
  )
  select b.id, $2::text as state, b.state as before, b.reconciliation, c.code as customer, b.contract_id as "contractId",
    to_char(b.cycle_start, 'YYYY-MM-DD') as "cycleStart"
  from before b join contract k on k.id = b.contract_id join customer c on c.id = k.customer_id`;

/** Throws `InputError` for a finding that is not there, or of a reconciliation that was replaced. */
export async function decide(tx: Tx, { id, state, why, by }: Decide): Promise<DecidedFinding> {
  const [row] = await tx.query<DecidedFinding & { reconciliation: string }>(decideOne, [id, state, by, why]);
  if (!row) throw new InputError(`there is no finding ${id}; see: linekeeper reconcile show`);
  const { reconciliation, ...decided } = row;
  if (reconciliation === 'current') return decided;
  throw new InputError(
    `finding ${id} is of a reconciliation that was made again since; its number is another one now: linekeeper reconcile show --customer ${row.customer} --cycle ${row.cycleStart}`,
  );
}

const disputeOpen = `
  update recon_finding f set state = 'disputed', state_by = $2, state_why = $3, state_at = now()
  where f.recon_id = $1 and f.state = 'open' returning f.id`;

/** Every open finding of a reconciliation; resolves to how many. */
export async function disputeAllOpen(tx: Tx, reconciliationId: string, by: string, why: string): Promise<number> {
  return (await tx.query(disputeOpen, [reconciliationId, by, why])).length;
}

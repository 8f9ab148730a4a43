/**
 * Totals, ratings, invoices and reconciliations of a cycle go together, years after its end and after its records. Its row stays: it
 * keeps a late delivery from opening it anew.
 */
import type { ReadSession, Tx } from '../database/session.ts';
import { kept } from './retention.ts';

const due = `
  from cycle y join contract k on k.id = y.contract_id join customer c on c.id = k.customer_id
  where y.state in ('closed', 'adjusted') and y.purged_at is not null and y.totals_purged_at is null
    and y.cycle_end + make_interval(years => ${kept('totalYears')}) <= now() at time zone k.time_zone`;

const lockCycles = `
  select y.contract_id as "contractId", to_char(y.cycle_start, 'YYYY-MM-DD') as "cycleStart" ${due}
  order by y.cycle_start, y.contract_id limit $1 for no key update of y skip locked`;

const ofCycle = 'where contract_id = $1 and cycle_start = $2::date';
/** An invoice that a reconciliation of another cycle compares goes with that one. */
const removals = ['total_usage', 'total_generation', 'allowance_usage', 'rating_run', 'reconciliation', 'invoice'].map(
  (table) => `delete from ${table} ${ofCycle}`,
);
const unusedInvoices = ' and not exists (select from reconciliation_invoice r where r.invoice_id = invoice.id)';
const mark = `update cycle set totals_purged_at = now(), rating_run_id = null ${ofCycle}`;

/** Resolves to the number of cycles. */
export async function purgeTotals(tx: Tx): Promise<number> {
  const cycles = await tx.query<{ contractId: string; cycleStart: string }>(lockCycles, [cyclesAtOnce]);
  for (const { contractId, cycleStart } of cycles) {
    const key = [contractId, cycleStart];
    for (const removal of removals)
      await tx.query(removal + (removal.includes(' invoice ') ? unusedInvoices : ''), key);
    await tx.query(mark, key);
  }
  return cycles.length;
}

const cyclesAtOnce = 20;

export const totalsPending = `exists (select ${due})`;

export async function foreseeTotals(session: Pick<ReadSession, 'query'>): Promise<number> {
  const [row] = await session.query<{ cycles: number }>(`select count(*)::int as cycles ${due}`);
  return row!.cycles;
}

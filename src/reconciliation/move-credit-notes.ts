/**
 * What goes with an invoice that is replaced by one of another cycle, or of other fees: its credit notes, which belong to the cycles of
 * what they correct, each as a new version of itself; and the reconciliation of the cycle that it leaves, when nothing is left there
 * to compare. One that has other invoices stays and says that it is stale.
 */
import type { Tx } from '../database/session.ts';
import { type BilledContract, lastDayOf } from './billed-contract.ts';
import type { InvoiceCycles } from './load-invoice.ts';

const replaceNotes = `
  update invoice set state = 'replaced' where contract_id = $1 and refers_to = $2 and state = 'current' returning id, number`;

const copyNote = `
  insert into invoice (contract_id, number, version, kind, refers_to, invoice_date, cycle_start, fees_cycle_start, currency,
    net_e8, vat_e8, gross_e8, content_hash, loaded_by)
  select contract_id, number, version + 1, kind, refers_to, invoice_date, $2::date, $3::date, currency, net_e8, vat_e8, gross_e8,
    content_hash, loaded_by from invoice where id = $1 returning id`;

/** A line without a period of its own has that of its cycle. */
const copyLines = `
  insert into invoice_line (invoice_id, line_no, subscription_id, msisdn, category, description, corrects_line, records, quantity,
    covered, unit_price_e8, per, net_e8, vat_code, period_from, period_to)
  select $2, l.line_no, l.subscription_id, l.msisdn, l.category, l.description, l.corrects_line, l.records, l.quantity, l.covered,
    l.unit_price_e8, l.per, l.net_e8, l.vat_code, coalesce(p.to_from, l.period_from), coalesce(p.to_to, l.period_to)
  from invoice_line l left join jsonb_to_recordset($3::jsonb) as p (fees boolean, was_from date, was_to date, to_from date, to_to date)
    on p.fees = (l.category = 'recurring') and p.was_from = l.period_from and p.was_to = l.period_to
  where l.invoice_id = $1`;

const copyVat = `
  insert into invoice_vat (invoice_id, vat_code, rate_e2, net_e8, vat_e8)
  select $2, vat_code, rate_e2, net_e8, vat_e8 from invoice_vat where invoice_id = $1`;

/** Resolves to the numbers of the credit notes. */
export async function moveCreditNotes(
  tx: Tx,
  contract: BilledContract,
  number: string,
  { from, to }: { readonly from: InvoiceCycles; readonly to: InvoiceCycles },
): Promise<string[]> {
  const notes = await tx.query<{ id: string; number: string }>(replaceNotes, [contract.id, number]);
  const last = (start: string) => lastDayOf(contract, start);
  const periods = JSON.stringify([
    { fees: false, was_from: from.usage, was_to: last(from.usage), to_from: to.usage, to_to: last(to.usage) },
    { fees: true, was_from: from.fees, was_to: last(from.fees), to_from: to.fees, to_to: last(to.fees) },
  ]);
  for (const { id } of notes) {
    const [copy] = await tx.query<{ id: string }>(copyNote, [id, to.usage, to.fees]);
    await tx.query(copyLines, [id, copy!.id, periods]);
    await tx.query(copyVat, [id, copy!.id]);
  }
  return notes.map((note) => note.number).sort();
}

const endReconciliation = `
  update reconciliation set state = 'replaced' where contract_id = $1 and cycle_start = $2::date and state = 'current'
    and not exists (select from invoice i where i.contract_id = $1 and i.cycle_start = $2::date and i.state = 'current')
  returning 1`;

/** Whether the cycle had a reconciliation, and has no invoice any more. */
export async function endLeftReconciliation(tx: Tx, contractId: string, cycleStart: string): Promise<boolean> {
  return (await tx.query(endReconciliation, [contractId, cycleStart])).length > 0;
}

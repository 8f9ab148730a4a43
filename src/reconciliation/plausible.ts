/**
 * Amounts that are 100 times too high or too low (domain.md F10): a decimal comma read as a thousand's point goes through an
 * invoice evenly, so its own sums hold. The net is therefore held against what is known of the contract: the totals of the
 * cycle, else the invoices before it. Ten times as much or a tenth is asked back; small amounts are let through.
 */
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import type { BilledContract } from './billed-contract.ts';
import { amountOf, type InvoiceDocument } from './document.ts';
import { magnitude } from './tolerance.ts';

const factor = 10n;
/** Below 50 EUR ten times as much is no news. */
const smallE8 = 5_000_000_000n;

const ownTotals = `
  select sum(u.amount_e8)::bigint as "amountE8" from total_usage u join total_generation g using (contract_id, cycle_start, generation)
  where u.contract_id = $1 and u.cycle_start = $2::date and g.state = 'current'`;
const earlierInvoices = `
  select percentile_disc(0.5) within group (order by net_e8)::bigint as "amountE8" from (
    select net_e8 from invoice where contract_id = $1 and kind = 'invoice' and state = 'current' and number <> $2
    order by invoice_date desc limit 12) i`;

/** Throws `InputError`. A credit note is never compared: it may be of any size. */
export async function refuseImplausible(
  tx: Tx,
  contract: BilledContract,
  invoice: InvoiceDocument,
  cycleStart: string,
): Promise<void> {
  if (invoice.kind === 'credit_note') return;
  const [own] = await tx.query<{ amountE8: string | null }>(ownTotals, [contract.id, cycleStart]);
  const [earlier] = await tx.query<{ amountE8: string | null }>(earlierInvoices, [contract.id, invoice.number]);
  const known = own?.amountE8 ?? earlier?.amountE8 ?? null;
  if (known === null) return;
  const netE8 = amountOf(invoice.total.net);
  if (isPlausible(netE8, BigInt(known))) return;
  const beside = own?.amountE8 ? `our totals of cycle ${cycleStart} are` : 'the invoices before it are about';
  throw new InputError(
    `invoice ${invoice.number} has a net of ${formatAmountE8(netE8, 2)} EUR, and ${beside} ${formatAmountE8(BigInt(known), 2)}: look for decimal points and commas that were swapped; if the amount is right, load it with --force`,
  );
}

export function isPlausible(netE8: bigint, knownE8: bigint): boolean {
  const [net, known] = [magnitude(netE8), magnitude(knownE8)];
  const [low, high] = net < known ? [net, known] : [known, net];
  return high < smallE8 || high < low * factor;
}

/** Invoices as the doors list and show them. Numbers in the clear: the doors mask them. */
import type { ReadSession } from '../database/session.ts';

export interface InvoiceView {
  readonly id: string;
  readonly customer: string;
  readonly account: string;
  readonly number: string;
  readonly version: number;
  readonly state: 'current' | 'replaced';
  readonly kind: 'invoice' | 'credit_note';
  readonly refersTo: string | null;
  readonly date: string;
  readonly cycleStart: string;
  readonly feesCycleStart: string;
  readonly netE8: string;
  readonly vatE8: string;
  readonly grossE8: string;
  readonly lineCount: number;
  readonly loadedBy: string;
  readonly loadedAt: string;
  /** Of the current reconciliation of its cycle; null when there is none that it is part of. */
  readonly reconciled: { readonly generation: number; readonly status: 'agrees' | 'differs' } | null;
}

export interface InvoiceDetailView extends InvoiceView {
  readonly lines: readonly InvoiceLineView[];
  readonly vat: readonly {
    readonly code: string;
    readonly rateE2: number;
    readonly netE8: string;
    readonly vatE8: string;
  }[];
}

export interface InvoiceLineView {
  readonly line: number;
  readonly msisdn: string | null;
  readonly category: string;
  readonly description: string;
  readonly correctsLine: number | null;
  readonly records: string | null;
  readonly quantity: string | null;
  readonly covered: string | null;
  readonly unitPriceE8: string | null;
  readonly per: string | null;
  readonly netE8: string;
  readonly vatCode: string;
  readonly periodFrom: string;
  readonly periodTo: string;
}

const invoices = `
  select i.id, c.code as customer, k.account_no as account, i.number, i.version, i.state, i.kind, i.refers_to as "refersTo",
    to_char(i.invoice_date, 'YYYY-MM-DD') as date, to_char(i.cycle_start, 'YYYY-MM-DD') as "cycleStart",
    to_char(i.fees_cycle_start, 'YYYY-MM-DD') as "feesCycleStart", i.net_e8 as "netE8", i.vat_e8 as "vatE8", i.gross_e8 as "grossE8",
    (select count(*)::integer from invoice_line l where l.invoice_id = i.id) as "lineCount", i.loaded_by as "loadedBy",
    to_char(i.loaded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "loadedAt",
    (select jsonb_build_object('generation', r.generation, 'status', r.status) from reconciliation_invoice m
      join reconciliation r on r.id = m.recon_id and r.state = 'current' where m.invoice_id = i.id) as reconciled
  from invoice i join contract k on k.id = i.contract_id join customer c on c.id = k.customer_id
  where c.code = $1 and ($2::text is null or k.account_no = $2) and ($3::text is null or i.number = $3)
  order by i.invoice_date desc, i.number, i.version desc limit $4`;

const linesOf = `
  select line_no as line, msisdn, category, description, corrects_line as "correctsLine", records, quantity, covered,
    unit_price_e8 as "unitPriceE8", per, net_e8 as "netE8", vat_code as "vatCode", to_char(period_from, 'YYYY-MM-DD') as "periodFrom",
    to_char(period_to, 'YYYY-MM-DD') as "periodTo"
  from invoice_line where invoice_id = $1 order by line_no`;

const vatOfInvoice = `
  select vat_code as code, rate_e2 as "rateE2", net_e8 as "netE8", vat_e8 as "vatE8" from invoice_vat
  where invoice_id = $1 order by vat_code`;

/** The latest first, replaced versions too. */
export async function listInvoices(
  session: Pick<ReadSession, 'query'>,
  { customer, account, limit }: { customer: string; account?: string; limit: number },
): Promise<InvoiceView[]> {
  return session.query<InvoiceView>(invoices, [customer, account?.padStart(10, '0') ?? null, null, limit]);
}

/** The newest version of the number, of each account that has one. */
export async function showInvoice(
  session: Pick<ReadSession, 'query'>,
  { customer, account, number }: { customer: string; account?: string; number: string },
): Promise<InvoiceDetailView[]> {
  const found = await session.query<InvoiceView>(invoices, [customer, account?.padStart(10, '0') ?? null, number, 100]);
  const details: InvoiceDetailView[] = [];
  for (const one of found.filter((invoice) => invoice.state === 'current')) {
    const lines = await session.query<InvoiceLineView>(linesOf, [one.id]);
    const vat = await session.query<InvoiceDetailView['vat'][number]>(vatOfInvoice, [one.id]);
    details.push({ ...one, lines, vat });
  }
  return details;
}

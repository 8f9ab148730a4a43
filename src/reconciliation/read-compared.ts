/** What a reconciliation compares, read from the rows of one snapshot. */
import type { ReadSession } from '../database/session.ts';
import { withLinearJoins } from '../totals/linear-joins.ts';
import { lastDayOf } from './billed-contract.ts';
import type { Compared, InvoiceLine, InvoiceSum, OwnTotal } from './finding.ts';
import { unitOf } from './unit.ts';

export interface CycleToReconcile {
  readonly contractId: string;
  readonly customer: string;
  readonly account: string;
  readonly cycleDay: number;
  readonly cycleStart: string;
  readonly feesCycleStart: string;
  readonly generation: number | null;
  readonly feesGeneration: number | null;
}

export interface ReadCompared {
  readonly compared: Compared;
  readonly invoiceIds: readonly string[];
  /** Numbers of the credit notes, for saying what settled a dispute. */
  readonly creditNotes: readonly string[];
}

/** Recurring fees are those of the fees' cycle, everything else that of the usage's. */
const ownTotals = `
  select msisdn, category, records, unrated, usage_s as "usageS", usage_octets as "usageOctets", usage_count as "usageCount",
    amount_e8 as "amountE8", provider_amount_e8 as "fileAmountE8"
  from total_usage where contract_id = $1 and category <> 'recurring' and cycle_start = $2::date and generation = $3
  union all
  select msisdn, category, records, unrated, usage_s, usage_octets, usage_count, amount_e8, provider_amount_e8
  from total_usage where contract_id = $1 and category = 'recurring' and cycle_start = $4::date and generation = $5
  order by msisdn, category`;

const currentInvoices = `
  select id, number, kind, refers_to as "refersTo", net_e8 as "netE8", vat_e8 as "vatE8",
    (select coalesce(jsonb_agg(jsonb_build_array(v.vat_code, v.rate_e2, v.net_e8::text, v.vat_e8::text) order by v.vat_code), '[]')
      from invoice_vat v where v.invoice_id = i.id) as vat
  from invoice i where contract_id = $1 and cycle_start = $2::date and state = 'current' order by invoice_date, number`;

const lines = `
  select invoice_id as "invoiceId", line_no as line, msisdn, category, description, corrects_line as "correctsLine", records,
    quantity, covered, unit_price_e8 as "unitPriceE8", per, net_e8 as "netE8", to_char(period_from, 'YYYY-MM-DD') as "periodFrom",
    to_char(period_to, 'YYYY-MM-DD') as "periodTo"
  from invoice_line where invoice_id = any ($1::bigint[]) order by invoice_id, line_no`;

const subscriptions = `
  select msisdn, to_char(upper(valid), 'YYYY-MM-DD') as "endedOn" from subscription where contract_id = $1`;

/** Usage that allowances covered. Asked only when an invoice says something of it: it reads the cycle's records. */
const coveredUsage = `
  select d.msisdn, d.category, sum(a.amount)::bigint as covered
  from rated_cdr r
  join cdr d on d.contract_id = r.contract_id and d.cycle_start = r.cycle_start and d.id = r.cdr_id
  cross join lateral (select sum(value::bigint) as amount from jsonb_each_text(r.allowance_used)) a
  where r.contract_id = $1 and r.cycle_start = $2::date and r.allowance_used is not null and r.rating_run_id = (
    select rating_run_id from total_generation where contract_id = $1 and cycle_start = $2::date and generation = $3)
  group by d.msisdn, d.category`;

interface InvoiceRow {
  readonly id: string;
  readonly number: string;
  readonly kind: 'invoice' | 'credit_note';
  readonly refersTo: string | null;
  readonly netE8: string;
  readonly vatE8: string;
  readonly vat: readonly [string, number, string, string][];
}

/** A bigint column, as it comes from the database. */
type Whole = string | null;

interface LineRow
  extends Pick<InvoiceLine, 'line' | 'msisdn' | 'category' | 'description' | 'periodFrom' | 'periodTo'> {
  readonly invoiceId: string;
  readonly correctsLine: number | null;
  readonly records: Whole;
  readonly quantity: Whole;
  readonly covered: Whole;
  readonly unitPriceE8: Whole;
  readonly per: Whole;
  readonly netE8: string;
}

export async function readCompared(
  session: Pick<ReadSession, 'query'>,
  cycle: CycleToReconcile,
): Promise<ReadCompared> {
  const { contractId, cycleStart, feesCycleStart } = cycle;
  const generations = [contractId, cycleStart, cycle.generation, feesCycleStart, cycle.feesGeneration];
  const totals = await session.query<OwnRow>(ownTotals, generations);
  const invoices = await session.query<InvoiceRow>(currentInvoices, [contractId, cycleStart]);
  const byId = new Map(invoices.map((invoice) => [invoice.id, invoice]));
  const lineRows = await session.query<LineRow>(lines, [[...byId.keys()]]);
  const covered = lineRows.some((row) => row.covered !== null)
    ? await readCovered(session, cycle)
    : new Map<string, bigint>();
  const known = await session.query<{ msisdn: string; endedOn: string | null }>(subscriptions, [contractId]);
  const periodOf = (start: string) => ({ from: start, to: lastDayOf({ cycleDay: cycle.cycleDay }, start) });
  return {
    compared: {
      own: totals.map((row) => ownTotal(row, covered.get(`${row.msisdn} ${row.category}`) ?? 0n)),
      lines: lineRows.map((row) => invoiceLine(row, byId.get(row.invoiceId)!)),
      invoices: invoices.map(invoiceSum),
      usagePeriod: periodOf(cycleStart),
      feesPeriod: periodOf(feesCycleStart),
      subscriptions: new Map(known.map(({ msisdn, endedOn }) => [msisdn, { endedOn }])),
    },
    invoiceIds: invoices.map((invoice) => invoice.id),
    creditNotes: invoices.filter((invoice) => invoice.kind === 'credit_note').map((invoice) => invoice.number),
  };
}

interface OwnRow {
  readonly msisdn: string;
  readonly category: string;
  readonly records: string;
  readonly unrated: string;
  readonly usageS: string;
  readonly usageOctets: string;
  readonly usageCount: string;
  readonly amountE8: string;
  readonly fileAmountE8: string;
}

function ownTotal(row: OwnRow, covered: bigint): OwnTotal {
  const usage = { s: row.usageS, octets: row.usageOctets, pieces: row.usageCount }[unitOf(row.category).name];
  return {
    msisdn: row.msisdn,
    category: row.category,
    records: Number(row.records),
    unrated: Number(row.unrated),
    usage: BigInt(usage),
    covered,
    amountE8: BigInt(row.amountE8),
    fileAmountE8: BigInt(row.fileAmountE8),
  };
}

async function readCovered(session: Pick<ReadSession, 'query'>, cycle: CycleToReconcile): Promise<Map<string, bigint>> {
  const key = [cycle.contractId, cycle.cycleStart, cycle.generation];
  const rows = await withLinearJoins(session, () =>
    session.query<{ msisdn: string; category: string; covered: string }>(coveredUsage, key),
  );
  return new Map(rows.map((row) => [`${row.msisdn} ${row.category}`, BigInt(row.covered)]));
}

/** What a credit note counts is what it takes back. */
function invoiceLine(row: LineRow, { number, kind, refersTo }: InvoiceRow): InvoiceLine {
  const sign = kind === 'credit_note' ? -1n : 1n;
  const whole = (text: Whole) => (text === null ? null : sign * BigInt(text));
  const records = whole(row.records);
  return {
    invoice: number,
    line: row.line,
    msisdn: row.msisdn,
    category: row.category,
    description: row.description,
    corrects: refersTo === null || row.correctsLine === null ? null : { invoice: refersTo, line: row.correctsLine },
    records: records === null ? null : Number(records),
    quantity: whole(row.quantity),
    covered: whole(row.covered),
    unitPriceE8: row.unitPriceE8 === null ? null : BigInt(row.unitPriceE8),
    per: row.per === null ? null : BigInt(row.per),
    netE8: BigInt(row.netE8),
    periodFrom: row.periodFrom,
    periodTo: row.periodTo,
  };
}

function invoiceSum({ number, netE8, vatE8, vat }: InvoiceRow): InvoiceSum {
  return {
    invoice: number,
    netE8: BigInt(netE8),
    vatE8: BigInt(vatE8),
    vat: vat.map(([code, rateE2, net, of]) => ({ code, rateE2, netE8: BigInt(net), vatE8: BigInt(of) })),
  };
}

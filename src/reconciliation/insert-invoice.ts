/** The rows of an invoice that was checked. */
import type { Tx } from '../database/session.ts';
import type { BilledContract } from './billed-contract.ts';
import { lastDayOf } from './billed-contract.ts';
import { amountOf, type InvoiceDocument } from './document.ts';
import type { InvoiceCycles } from './load-invoice.ts';
import { rateOf } from './vat.ts';

const insert = `
  insert into invoice (contract_id, number, version, kind, refers_to, invoice_date, cycle_start, fees_cycle_start, currency,
    net_e8, vat_e8, gross_e8, content_hash, loaded_by)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) returning id`;

/** Numbers that are too large for JavaScript stay text on the way; jsonb_to_recordset reads both. */
const insertLines = `
  insert into invoice_line (invoice_id, line_no, subscription_id, msisdn, category, description, corrects_line, records,
    quantity, covered, unit_price_e8, per, net_e8, vat_code, period_from, period_to)
  select $1, l.line_no, s.id, l.msisdn, l.category, l.description, l.corrects_line, l.records, l.quantity, l.covered,
    l.unit_price_e8, l.per, l.net_e8, l.vat_code, l.period_from, l.period_to
  from jsonb_to_recordset($3::jsonb) as l (line_no integer, msisdn text, category text, description text, corrects_line integer,
    records bigint, quantity bigint, covered bigint, unit_price_e8 bigint, per bigint, net_e8 bigint, vat_code text,
    period_from date, period_to date)
  left join subscription s on s.contract_id = $2 and s.msisdn = l.msisdn`;

const insertVat = `
  insert into invoice_vat (invoice_id, vat_code, rate_e2, net_e8, vat_e8)
  select $1, v.code, v.rate_e2, v.net_e8, v.vat_e8
  from jsonb_to_recordset($2::jsonb) as v (code text, rate_e2 integer, net_e8 bigint, vat_e8 bigint)`;

export async function insertInvoice(
  tx: Tx,
  given: {
    readonly contract: BilledContract;
    readonly invoice: InvoiceDocument;
    readonly cycles: InvoiceCycles;
    readonly version: number;
    readonly hash: Buffer;
    readonly by: string;
  },
): Promise<void> {
  const { contract, invoice, cycles, version, hash, by } = given;
  const { net, vat, gross } = invoice.total;
  const [row] = await tx.query<{ id: string }>(insert, [
    contract.id,
    invoice.number,
    version,
    invoice.kind,
    invoice.refersTo ?? null,
    invoice.date,
    cycles.usage,
    cycles.fees,
    invoice.currency,
    ...[net, vat, gross].map(amountOf),
    hash,
    by,
  ]);
  const periodOf = (cycleStart: string) => ({ from: cycleStart, to: lastDayOf(contract, cycleStart) });
  const usual = { usage: periodOf(cycles.usage), fees: periodOf(cycles.fees) };
  const lines = invoice.lines.map((line) => {
    const period = line.period ?? (line.category === 'recurring' ? usual.fees : usual.usage);
    return {
      line_no: line.line,
      msisdn: line.msisdn ?? null,
      category: line.category,
      description: line.description,
      corrects_line: line.correctsLine ?? null,
      records: line.records ?? null,
      quantity: line.quantity ?? null,
      covered: line.covered ?? null,
      unit_price_e8: line.unitPrice === undefined ? null : String(amountOf(line.unitPrice)),
      per: line.unitPrice === undefined ? null : line.per,
      net_e8: String(amountOf(line.net)),
      vat_code: line.vatCode,
      period_from: period.from,
      period_to: period.to,
    };
  });
  await tx.query(insertLines, [row!.id, contract.id, JSON.stringify(lines)]);
  const vatRows = invoice.vat.map((one) => ({
    code: one.code,
    rate_e2: rateOf(one),
    net_e8: String(amountOf(one.net)),
    vat_e8: String(amountOf(one.vat)),
  }));
  await tx.query(insertVat, [row!.id, JSON.stringify(vatRows)]);
}

/**
 * The JSON form in which a provider's invoice or credit note is told to the service (docs/reconciliation.md). Checked here
 * is what the document says by itself: its form, and that its sums hold; a document whose own sums do not hold was misread
 * or made wrong, and nothing can be compared with it.
 */
import { z } from 'zod';
import { dateSchema } from '../telecom/date-schema.ts';
import { closedObject, type DocumentProblem, problemAt, schemaProblems } from '../telecom/document-problem.ts';
import { formatAmountE8, parseAmountE8 } from '../telecom/money.ts';
import { invoiceToleranceE8 } from './tolerance.ts';
import { knownRates, rateOf } from './vat.ts';

const code = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1 to 63 of A-Z a-z 0-9 . _ -');
const number = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, 'must be 1 to 63 of A-Z a-z 0-9 . _ / -');
const date = dateSchema('must be a date such as 2026-04-03');
const amount = z
  .string()
  .refine((text) => !Number.isNaN(parseAmountE8(text)), 'must be decimal text such as "-12.3456", at most 8 decimals');
const price = amount.refine((text) => !text.startsWith('-'), 'must not be negative');
const whole = z.int('must be a whole number').min(0);
const lineNo = z.int().min(1).max(10_000_000);
const vatCode = z.string().regex(/^[A-Z0-9]{1,4}$/, 'must be 1 to 4 of A-Z 0-9');
const percent = z.string().regex(/^\d{1,2}(\.\d{1,2})?$/, 'must be decimal text such as "21" or "9.5"');
const period = closedObject({ from: date, to: date }).refine(
  ({ from, to }) => from <= to,
  'must not end before it begins',
);

const line = closedObject({
  line: lineNo,
  msisdn: z
    .string()
    .regex(/^[1-9][0-9]{6,14}$/, 'must be E.164 digits without +')
    .optional(),
  category: code,
  description: z.string().max(200).default(''),
  correctsLine: lineNo.optional(),
  records: whole.max(1_000_000_000).optional(),
  quantity: whole.optional(),
  covered: whole.optional(),
  unitPrice: price.optional(),
  per: z.int().min(1).default(1),
  net: amount,
  vatCode,
  period: period.optional(),
});

export const invoiceDocument = closedObject({
  customer: code,
  provider: code,
  account: z.string().regex(/^[0-9]{1,10}$/, 'must be up to 10 digits'),
  number,
  kind: z.enum(['invoice', 'credit_note'], 'must be invoice or credit_note').default('invoice'),
  refersTo: number.optional(),
  date,
  currency: z.literal('EUR', 'must be EUR').default('EUR'),
  period,
  feesPeriod: period.optional(),
  lines: z.array(line, 'must be a list of lines').min(1, 'must have at least one line'),
  vat: z.array(
    closedObject({ code: vatCode, percent: percent.optional(), net: amount, vat: amount }),
    'must be a list with net and vat for each code',
  ),
  total: closedObject({ net: amount, vat: amount, gross: amount }),
});
export type InvoiceDocument = z.infer<typeof invoiceDocument>;

/** All problems, those of its form or else those of its sums; empty when it can be loaded. */
export function invoiceProblems(document: unknown): DocumentProblem[] {
  const problems = schemaProblems(document, invoiceDocument);
  return problems.length > 0 ? problems : contentProblems(invoiceDocument.parse(document));
}

function contentProblems(invoice: InvoiceDocument): DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  const wrong = (path: readonly PropertyKey[], message: string) => problems.push(problemAt(invoice, path, message));
  if (invoice.kind === 'credit_note' && invoice.refersTo === undefined) {
    wrong(['refersTo'], 'a credit note says which invoice it corrects');
  }
  if (invoice.kind === 'invoice' && invoice.refersTo !== undefined)
    wrong(['refersTo'], 'only a credit note refers to one');
  const seen = new Set<number>();
  for (const [index, one] of invoice.lines.entries()) {
    if (seen.has(one.line)) wrong(['lines', index, 'line'], 'stands twice; line numbers are unique in an invoice');
    seen.add(one.line);
    if (invoice.kind === 'credit_note' && amountOf(one.net) > 0n) {
      wrong(['lines', index, 'net'], 'lines of a credit note are negative; what is charged belongs on an invoice');
    }
    if (invoice.kind === 'invoice' && one.correctsLine !== undefined) {
      wrong(['lines', index, 'correctsLine'], 'only a credit note takes a line back');
    }
  }
  vatProblems(invoice, wrong);
  const { net, vat, gross } = invoice.total;
  if (amountOf(net) + amountOf(vat) !== amountOf(gross)) wrong(['total', 'gross'], `is not ${net} + ${vat}`);
  sumProblem(sumOf(invoice.lines), net, invoice.lines.length, (message) => wrong(['total', 'net'], message));
  return problems;
}

function vatProblems(invoice: InvoiceDocument, wrong: (path: readonly PropertyKey[], message: string) => void): void {
  for (const [index, row] of invoice.vat.entries()) {
    if (invoice.vat.findIndex((other) => other.code === row.code) < index)
      wrong(['vat', index, 'code'], 'stands twice');
    if (rateOf(row) === null) wrong(['vat', index, 'percent'], `must be given; codes that need none: ${knownRates}`);
    const lines = invoice.lines.filter((one) => one.vatCode === row.code);
    sumProblem(sumOf(lines), row.net, lines.length, (message) => wrong(['vat', index, 'net'], message));
  }
  for (const [index, one] of invoice.lines.entries()) {
    if (!invoice.vat.some((row) => row.code === one.vatCode))
      wrong(['lines', index, 'vatCode'], 'is not in the list "vat"');
  }
}

/** Totals are rounded, at most by half a cent a line. */
function sumProblem(sumE8: bigint, stated: string, lines: number, wrong: (message: string) => void): void {
  const offE8 = sumE8 - amountOf(stated);
  if ((offE8 < 0n ? -offE8 : offE8) <= invoiceToleranceE8(lines)) return;
  wrong(
    `the lines add up to ${formatAmountE8(sumE8, 2)}; look for swapped points and commas, or a line that is missing`,
  );
}

const sumOf = (lines: readonly { net: string }[]) => lines.reduce((sum, one) => sum + amountOf(one.net), 0n);

/** Of text that the form has let through. */
export function amountOf(text: string): bigint {
  return BigInt(parseAmountE8(text));
}

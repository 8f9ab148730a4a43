/**
 * Reconciliation as a pure function (domain.md 4.6): our totals of a cycle against the lines of its invoices. Nothing is lost
 * and nothing counted twice, because every line and every total goes one way only:
 *
 * 1. A credit note's line that names the line it takes back lowers that line; one that is lowered to nothing is gone.
 * 2. Lines of a category that nobody knows, and lines of another period, are findings by themselves.
 * 3. What is left meets our totals by subscription and category (`compareGroup`).
 * 4. What an invoice's net has beside the sum of its lines is `rounding`.
 * 5. The VAT of each code is calculated again from its net (`vat_error`).
 *
 * So the findings add up to invoice net - own net to the last digit, and those of VAT likewise (P7).
 */
import { formatAmountE8 } from '../telecom/money.ts';
import { compareGroup } from './compare-group.ts';
import { difference, refOf, sum } from './difference.ts';
import type { Compared, FoundDifference, InvoiceLine, InvoiceSum, OwnTotal, Reconciled } from './finding.ts';
import { invoiceToleranceE8 } from './tolerance.ts';
import { isKnownCategory } from './unit.ts';
import { vatOf } from './vat.ts';

export function reconcile(compared: Compared): Reconciled {
  const { own, invoices, subscriptions } = compared;
  const lines = withoutTakenBack(compared.lines);
  const unknown = lines.filter((line) => !isKnownCategory(line.category));
  const elsewhere = lines.filter((line) => isKnownCategory(line.category) && !isInPeriod(line, compared));
  const groups = new Map<string, { own: OwnTotal | null; lines: InvoiceLine[] }>();
  const groupOf = (msisdn: string | null, category: string) => {
    const key = keyOf(msisdn, category);
    const group = groups.get(key) ?? { own: null, lines: [] };
    groups.set(key, group);
    return group;
  };
  for (const total of own) groupOf(total.msisdn, total.category).own = total;
  for (const line of lines) {
    if (isKnownCategory(line.category) && isInPeriod(line, compared))
      groupOf(line.msisdn, line.category).lines.push(line);
  }
  const periodOf = (category: string) => (category === 'recurring' ? compared.feesPeriod : compared.usagePeriod);
  const findings = [
    ...together(unknown, 'unknown_category', (line) => keyOf(line.msisdn, line.category)),
    ...together(
      elsewhere,
      'period_mismatch',
      (line) => `${keyOf(line.msisdn, line.category)} ${line.periodFrom} ${line.periodTo}`,
    ),
    ...[...groups.values()].flatMap((group) => {
      const { msisdn, category } = group.own ?? group.lines[0]!;
      const subscription = msisdn === null ? undefined : subscriptions.get(msisdn);
      return compareGroup({ ...group, msisdn, category, subscription, from: periodOf(category).from });
    }),
    ...invoices.flatMap((invoice) => remainder(invoice, compared.lines)),
    ...invoices.flatMap(vatFindings),
  ];
  return {
    findings,
    ownNetE8: sum(own.map((total) => total.amountE8)),
    invoiceNetE8: sum(invoices.map((invoice) => invoice.netE8)),
    ownVatE8: sum(invoices.flatMap(({ vat }) => vat.map((row) => vatOf(row.netE8, row.rateE2)))),
    invoiceVatE8: sum(invoices.map((invoice) => invoice.vatE8)),
    toleranceE8: invoiceToleranceE8(compared.lines.length),
  };
}

/** Lines with what credit notes take back of them. A credit for a line that is not there stays a line of its own. */
function withoutTakenBack(lines: readonly InvoiceLine[]): InvoiceLine[] {
  const refOf = (invoice: string, line: number) => JSON.stringify([invoice, line]);
  const charged = new Set(lines.filter((line) => line.corrects === null).map((line) => refOf(line.invoice, line.line)));
  const takenBack = new Map<string, InvoiceLine[]>();
  const rest: InvoiceLine[] = [];
  for (const line of lines) {
    const key = line.corrects === null ? null : refOf(line.corrects.invoice, line.corrects.line);
    if (key === null || !charged.has(key)) rest.push(line);
    else takenBack.set(key, [...(takenBack.get(key) ?? []), line]);
  }
  return rest.flatMap((line) => {
    const credits = takenBack.get(refOf(line.invoice, line.line)) ?? [];
    const left = credits.reduce(lowered, line);
    return credits.length > 0 && left.netE8 === 0n ? [] : [left];
  });
}

function lowered(line: InvoiceLine, credit: InvoiceLine): InvoiceLine {
  const plus = (a: bigint | null, b: bigint | null) => (a === null ? null : a + (b ?? 0n));
  return {
    ...line,
    netE8: line.netE8 + credit.netE8,
    records: line.records === null ? null : line.records + (credit.records ?? 0),
    quantity: plus(line.quantity, credit.quantity),
    covered: plus(line.covered, credit.covered),
  };
}

function isInPeriod(line: InvoiceLine, { usagePeriod, feesPeriod }: Compared): boolean {
  const { from, to } = line.category === 'recurring' ? feesPeriod : usagePeriod;
  return line.periodFrom >= from && line.periodTo <= to;
}

/** One finding for all lines of a key, none when they add up to nothing. */
function together(
  lines: readonly InvoiceLine[],
  of: 'unknown_category' | 'period_mismatch',
  key: (line: InvoiceLine) => string,
): FoundDifference[] {
  return [...Map.groupBy(lines, key).values()].flatMap((same) => {
    const providerE8 = sum(same.map((line) => line.netE8));
    const { msisdn, category, periodFrom, periodTo, description } = same[0]!;
    const evidence = { lines: same.map(refOf), period: { from: periodFrom, to: periodTo }, description };
    return difference({ basis: 'net', class: of, msisdn, category, ownE8: 0n, providerE8, evidence });
  });
}

function remainder(invoice: InvoiceSum, lines: readonly InvoiceLine[]): FoundDifference[] {
  const ownE8 = sum(lines.filter((line) => line.invoice === invoice.invoice).map((line) => line.netE8));
  const evidence = {
    lines: [],
    invoice: invoice.invoice,
    sumOfLines: formatAmountE8(ownE8),
    net: formatAmountE8(invoice.netE8),
  };
  const diffE8 = invoice.netE8 - ownE8;
  return difference({
    basis: 'net',
    class: 'rounding',
    msisdn: null,
    category: null,
    ownE8: 0n,
    providerE8: diffE8,
    evidence,
  });
}

/** What each code's net gives at its rate, and what the invoice says; then its VAT beside the sum of the codes. */
function vatFindings(invoice: InvoiceSum): FoundDifference[] {
  const base = { basis: 'vat', class: 'vat_error', msisdn: null, category: null } as const;
  const codes = invoice.vat.flatMap((row) =>
    difference({
      ...base,
      ownE8: vatOf(row.netE8, row.rateE2),
      providerE8: row.vatE8,
      evidence: {
        lines: [],
        invoice: invoice.invoice,
        vatCode: row.code,
        percent: `${row.rateE2 / 100}`,
        net: formatAmountE8(row.netE8, 2),
      },
    }),
  );
  const restE8 = invoice.vatE8 - sum(invoice.vat.map((row) => row.vatE8));
  const evidence = { lines: [], invoice: invoice.invoice, vatCode: null, total: formatAmountE8(invoice.vatE8, 2) };
  return [...codes, ...difference({ ...base, ownE8: 0n, providerE8: restE8, evidence })];
}

function keyOf(msisdn: string | null, category: string): string {
  return JSON.stringify([msisdn, category]);
}

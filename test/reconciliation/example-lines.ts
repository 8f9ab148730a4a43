/** Own totals and invoice lines of one cycle, for tests of the comparison. Amounts in euro text where a person reads them. */
import type { Compared, InvoiceLine, InvoiceSum, OwnTotal } from '../../src/reconciliation/finding.ts';
import { parseAmountE8 } from '../../src/telecom/money.ts';

export const anna = '31611111111';
export const bob = '31622222222';
export const e8 = (text: string) => BigInt(parseAmountE8(text));

export function own(msisdn: string, category: string, amount: string, records = 10, usage = 600n): OwnTotal {
  const amountE8 = e8(amount);
  return { msisdn, category, records, unrated: 0, usage, covered: 0n, amountE8, fileAmountE8: amountE8 };
}

let lines = 0;

export function line(
  msisdn: string | null,
  category: string,
  net: string,
  over: Partial<InvoiceLine> = {},
): InvoiceLine {
  lines += 1;
  return {
    invoice: 'F1',
    line: lines,
    msisdn,
    category,
    description: category,
    corrects: null,
    records: 10,
    quantity: 600n,
    covered: 0n,
    unitPriceE8: null,
    per: null,
    netE8: e8(net),
    periodFrom: '2026-03-01',
    periodTo: '2026-03-31',
    ...over,
  };
}

export function invoiceOf(all: readonly InvoiceLine[], over: Partial<InvoiceSum> = {}): InvoiceSum {
  const netE8 = all.reduce((sum, one) => sum + one.netE8, 0n);
  return { invoice: 'F1', netE8, vatE8: 0n, vat: [{ code: '0', rateE2: 0, netE8, vatE8: 0n }], ...over };
}

export function compared(over: Partial<Compared>): Compared {
  const all = over.lines ?? [];
  const march = { from: '2026-03-01', to: '2026-03-31' };
  return {
    own: [],
    lines: all,
    invoices: [...Map.groupBy(all, (one) => one.invoice)].map(([invoice, its]) => invoiceOf(its, { invoice })),
    usagePeriod: march,
    feesPeriod: march,
    subscriptions: new Map([
      [anna, { endedOn: null }],
      [bob, { endedOn: '2026-02-01' }],
    ]),
    ...over,
  };
}

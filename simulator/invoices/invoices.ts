/**
 * An invoice for every account and cycle of the truth, with differences that are known, and a credit note that takes back what
 * was charged without any reason. Written as `invoices/*.json`, `credit-notes/*.json` and `invoices-truth.json`.
 */
import { formerSubscriber } from '../numbers.ts';
import { seededRandom } from '../random.ts';
import type { CycleTruth } from '../truth.ts';
import { charged, type ExpectedFinding, lineForms, roundedNet } from './differences.ts';
import { euros, type InvoiceForm, type Period, sums } from './form.ts';

export interface InvoiceTruth {
  customer: string;
  account: string;
  cycleStart: string;
  invoice: string;
  creditNote: string;
  ownNetE8: bigint;
  netE8: bigint;
  findings: ExpectedFinding[];
  /** VAT beside what the net gives. */
  vatDifferenceE8: bigint;
  /** What is left of the findings, and of the net, after the credit note. */
  afterCredit: { netE8: bigint; findings: ExpectedFinding[] };
}

export interface CycleInvoices {
  invoice: InvoiceForm;
  creditNote: InvoiceForm;
  truth: InvoiceTruth;
}

const strangerTo = (accountIndex: number) => `31699${String(accountIndex).padStart(6, '0')}`;
const vatErrorE8 = 1_000_000n;

export function invoicesOf(seed: number, accountIndex: number, cycle: CycleTruth): CycleInvoices {
  const { cycleStart, account, customer } = cycle;
  const random = seededRandom(seed, `invoice:${account}:${cycleStart}`);
  const first = Temporal.PlainDate.from(cycleStart);
  const strangers = { unknown: strangerTo(accountIndex), former: formerSubscriber(accountIndex) };
  const otherPeriod = monthFrom(first.subtract({ months: 1 }));
  const { charges, expected } = charged({ random, totals: cycle.totals, strangers, otherPeriod });
  const rounded = roundedNet(charges);
  const number = `F${account.slice(-4)}-${cycleStart.slice(0, 7)}`;
  const of = { customer, provider: 'KPN', account, period: monthFrom(first) };
  const invoice: InvoiceForm = {
    ...of,
    number,
    kind: 'invoice',
    date: String(first.add({ months: 1, days: 2 })),
    lines: lineForms(charges, euros),
    ...sums(rounded.netE8, vatErrorE8),
  };
  const wrong = charges.flatMap((charge, index) =>
    charge.wrongly ? [{ ...charge, netE8: -charge.netE8, at: index + 1 }] : [],
  );
  const creditE8 = wrong.reduce((sum, charge) => sum + charge.netE8, 0n);
  const creditNote: InvoiceForm = {
    ...of,
    number: `C${number.slice(1)}`,
    kind: 'credit_note',
    refersTo: number,
    date: String(first.add({ months: 1, days: 20 })),
    lines: lineForms(wrong, euros).map((line, index) => ({ ...line, correctsLine: wrong[index]!.at })),
    ...sums(creditE8, 0n),
  };
  const findings = [...expected, ...rounded.expected];
  const settled = [
    'recurring_without_subscription',
    'subscription_ended',
    'unknown_category',
    'period_mismatch',
    'duplicate_line',
  ];
  const truth: InvoiceTruth = {
    customer,
    account,
    cycleStart,
    invoice: number,
    creditNote: creditNote.number,
    ownNetE8: cycle.amountE8,
    netE8: rounded.netE8,
    findings,
    vatDifferenceE8: vatErrorE8,
    afterCredit: {
      netE8: rounded.netE8 + creditE8,
      findings: findings.filter((finding) => !settled.includes(finding.class)),
    },
  };
  return { invoice, creditNote, truth };
}

function monthFrom(first: Temporal.PlainDate): Period {
  return { from: String(first), to: String(first.add({ months: 1 }).subtract({ days: 1 })) };
}

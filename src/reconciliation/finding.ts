/**
 * What a reconciliation compares, and what it finds. Amounts are 1e-8 EUR, exact. Numbers of subscriptions stand in the clear
 * here: the doors mask them.
 */

/** domain.md 4.6. Every difference is of one class. */
export const findingClasses = [
  'missing_cdr',
  'extra_cdr',
  'rate_difference',
  'rounding',
  'allowance_difference',
  'recurring_without_subscription',
  'subscription_ended',
  'duplicate_line',
  'vat_error',
  'unknown_category',
  'period_mismatch',
] as const;
export type FindingClass = (typeof findingClasses)[number];

export type FindingState = 'open' | 'accepted' | 'disputed' | 'resolved';

/** A total of ours: one subscription and category of the cycle. */
export interface OwnTotal {
  readonly msisdn: string;
  readonly category: string;
  readonly records: number;
  /** Of these; they are in no amount. */
  readonly unrated: number;
  /** In the category's unit. */
  readonly usage: bigint;
  /** Of this usage, what allowances covered. */
  readonly covered: bigint;
  readonly amountE8: bigint;
  /** What the provider's own records say of it. */
  readonly fileAmountE8: bigint;
}

export interface LineRef {
  readonly invoice: string;
  readonly line: number;
}

/** A line of an invoice, or of a credit note that has a line of its own. */
export interface InvoiceLine extends LineRef {
  /** Null: about the account. */
  readonly msisdn: string | null;
  readonly category: string;
  readonly description: string;
  /** Of a credit note: the line of the invoice that it takes back. */
  readonly corrects: LineRef | null;
  /** Of a credit note, what it takes back: negative. */
  readonly records: number | null;
  readonly quantity: bigint | null;
  readonly covered: bigint | null;
  readonly unitPriceE8: bigint | null;
  readonly per: bigint | null;
  readonly netE8: bigint;
  /** Both inclusive. */
  readonly periodFrom: string;
  readonly periodTo: string;
}

export interface InvoiceSum {
  readonly invoice: string;
  readonly netE8: bigint;
  readonly vatE8: bigint;
  readonly vat: readonly {
    readonly code: string;
    readonly rateE2: number;
    readonly netE8: bigint;
    readonly vatE8: bigint;
  }[];
}

export interface Compared {
  readonly own: readonly OwnTotal[];
  readonly lines: readonly InvoiceLine[];
  readonly invoices: readonly InvoiceSum[];
  /** Cycle of the usage, and that of the recurring fees; both inclusive. */
  readonly usagePeriod: { readonly from: string; readonly to: string };
  readonly feesPeriod: { readonly from: string; readonly to: string };
  /** Every subscription of the contract; `endedOn` is the first day on which it was none any more. */
  readonly subscriptions: ReadonlyMap<string, { readonly endedOn: string | null }>;
}

export interface FoundDifference {
  /** Findings of `net` add up to invoice net - own net, those of `vat` to invoice VAT - the VAT that its nets give. */
  readonly basis: 'net' | 'vat';
  readonly class: FindingClass;
  readonly msisdn: string | null;
  readonly category: string | null;
  readonly ownE8: bigint;
  readonly providerE8: bigint;
  /** provider - own: above 0 the provider charges too much. */
  readonly diffE8: bigint;
  readonly evidence: Evidence;
}

/** Whatever makes the difference plain to whoever has to judge it. Amounts are decimal text. */
export interface Evidence {
  readonly lines: readonly LineRef[];
  readonly [what: string]: unknown;
}

export interface Reconciled {
  readonly findings: readonly FoundDifference[];
  readonly ownNetE8: bigint;
  readonly invoiceNetE8: bigint;
  readonly ownVatE8: bigint;
  readonly invoiceVatE8: bigint;
  readonly toleranceE8: bigint;
}

/** How far an invoice and our totals may lie apart before anybody has to look (domain.md 4.6). 1e-8 EUR. */
const perRecordE8 = 500_000n;
const mostPerLineE8 = 5_000_000n;
const invoiceBaseE8 = 1_000_000n;
const perInvoiceLineE8 = 500_000n;

/** 0.005 EUR a record, at most 0.05 EUR; a charge without a count of records counts as one. */
export function lineToleranceE8(records: number): bigint {
  const toleranceE8 = perRecordE8 * BigInt(Math.max(1, records));
  return toleranceE8 < mostPerLineE8 ? toleranceE8 : mostPerLineE8;
}

/** 0.01 EUR and half a cent a line. */
export function invoiceToleranceE8(lines: number): bigint {
  return invoiceBaseE8 + perInvoiceLineE8 * BigInt(lines);
}

export function magnitude(amountE8: bigint): bigint {
  return amountE8 < 0n ? -amountE8 : amountE8;
}

/** A difference as a finding: what both sides say, and that it is one at all. */
import type { FoundDifference, InvoiceLine, LineRef } from './finding.ts';

/** None when both sides say the same. */
export function difference(found: Omit<FoundDifference, 'diffE8'>): FoundDifference[] {
  const diffE8 = found.providerE8 - found.ownE8;
  return diffE8 === 0n ? [] : [{ ...found, diffE8 }];
}

export function refOf({ invoice, line }: InvoiceLine): LineRef {
  return { invoice, line };
}

export function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((all, one) => all + one, 0n);
}

/**
 * VAT on totals: per code, rounded once to whole cents, half away from zero (domain.md section 1, rule 7). Never on a record.
 */
import { roundBigQuotientE8 } from './money.ts';

/** Percent of each code that a provider's file may carry. 0 is exempt, or shifted to the customer. */
const percents: ReadonlyMap<string, number> = new Map([
  ['21', 21],
  ['9', 9],
  ['09', 9],
  ['0', 0],
  ['00', 0],
]);

/** Null when the code is not known: then nobody can say what its VAT is. */
export function vatPercent(code: string | null): number | null {
  return percents.get(code ?? '') ?? null;
}

/** VAT of a net total. Throws RangeError beyond 90 million EUR. */
export function vatE8(netE8: bigint, percent: number): bigint {
  const vat = roundBigQuotientE8(netE8 * BigInt(percent), 100n, { unitE8: 1_000_000, mode: 'half-away' });
  return BigInt(vat);
}

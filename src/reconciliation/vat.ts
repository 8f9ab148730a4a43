/** VAT: on the net total of each code, rounded once to whole cents, half away from zero (domain.md, section 1 rule 7). */
import { roundedQuotient } from './rounded.ts';

/** 1e-2 percent. The Dutch rates, and 0 for what is exempt or shifted to the customer; other codes state their percent. */
const rates: ReadonlyMap<string, number> = new Map([
  ['21', 2_100],
  ['9', 900],
  ['09', 900],
  ['0', 0],
  ['00', 0],
]);

export const knownRates = [...rates.keys()].sort().join(', ');

/** In 1e-2 percent; null when the code is not known and nothing is stated. A known code's own rate wins over what is stated. */
export function rateOf(row: { readonly code: string; readonly percent?: string | undefined }): number | null {
  const known = rates.get(row.code);
  if (known !== undefined) return known;
  if (row.percent === undefined) return null;
  const [whole, fraction = ''] = row.percent.split('.');
  return Number(whole) * 100 + Number(fraction.padEnd(2, '0'));
}

const centE8 = 1_000_000n;

/** Whole cents, as 1e-8 EUR. */
export function vatOf(netE8: bigint, rateE2: number): bigint {
  return roundedQuotient(netE8 * BigInt(rateE2), 10_000n * centE8) * centE8;
}

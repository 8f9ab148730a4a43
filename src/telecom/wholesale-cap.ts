/**
 * EU wholesale caps for roaming data, EUR per GB by calendar year (Regulation (EU) 2022/612, article 11), and the fair-use
 * volume that follows from them: twice the bundle's monthly price without VAT, divided by the cap. 1 GB is 10^9 octets.
 */
import { parseAmountE8 } from './money.ts';

const capPerGb: readonly (readonly [fromYear: number, eur: string])[] = [
  [2022, '2.00'],
  [2023, '1.80'],
  [2024, '1.55'],
  [2025, '1.30'],
  [2026, '1.10'],
  [2027, '1.00'],
];

/** 1e-8 EUR per GB; null before there was a cap. */
export function wholesaleCapE8(year: number): number | null {
  const row = capPerGb.findLast(([fromYear]) => fromYear <= year);
  return row === undefined ? null : parseAmountE8(row[1]);
}

/** Whole octets, rounded down; Infinity before there was a cap. `monthlyPriceE8` is without VAT. */
export function fairUseOctets(monthlyPriceE8: number, year: number): number {
  const capE8 = wholesaleCapE8(year);
  if (capE8 === null) return Infinity;
  return Number((2n * BigInt(monthlyPriceE8) * 1_000_000_000n) / BigInt(capE8));
}

/**
 * Exact rational numbers, so that an amount is rounded once and nowhere else. Denominators are positive; fractions are
 * never reduced (a record adds up a handful of them).
 */
import type { RoundingMode } from '../tariff-form.ts';

export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const zero: Fraction = { numerator: 0n, denominator: 1n };

/** Reads a decimal string such as `0.0125`. Throws on anything else. */
export function fractionOfDecimal(text: string): Fraction {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new Error(`"${text}" is no decimal number such as 0.12`);
  const [whole = '', decimals = ''] = text.split('.');
  return { numerator: BigInt(whole + decimals), denominator: 10n ** BigInt(decimals.length) };
}

export function add(a: Fraction, b: Fraction): Fraction {
  if (a.denominator === b.denominator) {
    return { numerator: a.numerator + b.numerator, denominator: a.denominator };
  }
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}

/** a x units / per */
export function timesUnits(a: Fraction, units: number, per: number): Fraction {
  return { numerator: a.numerator * BigInt(units), denominator: a.denominator * BigInt(per) };
}

export function isLess(a: Fraction, b: Fraction): boolean {
  return a.numerator * b.denominator < b.numerator * a.denominator;
}

/** Rounds to whole units of 10^-decimals: to the nearest with halves away from zero, or away from zero always (`up`). */
export function roundTo(a: Fraction, decimals: number, mode: RoundingMode): bigint {
  const negative = a.numerator < 0n;
  const scaled = (negative ? -a.numerator : a.numerator) * 10n ** BigInt(decimals);
  const whole = scaled / a.denominator;
  const rest = scaled % a.denominator;
  const further = mode === 'up' ? rest > 0n : 2n * rest >= a.denominator;
  const magnitude = further ? whole + 1n : whole;
  return negative ? -magnitude : magnitude;
}

/** True when the value lies exactly half-way between two units of 10^-decimals. */
export function isExactHalf(a: Fraction, decimals: number): boolean {
  const scaled = (a.numerator < 0n ? -a.numerator : a.numerator) * 10n ** BigInt(decimals);
  return 2n * (scaled % a.denominator) === a.denominator;
}

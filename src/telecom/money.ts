/**
 * Money: integers of 1e-8 EUR (`amountE8`), decimal text at the edges, ONE rounding per amount (domain.md section 2).
 * Products and sums stay in Number while they are below 2^53 and move to BigInt beyond, with the same result; a result
 * that does not fit 2^53 is Infinity, which the caller must not store. No `number` of euros exists anywhere.
 */
export type RoundingMode = 'half-away' | 'up';

/** The amount becomes a multiple of `unitE8`; `up` and `half-away` both move away from zero. */
export interface Rounding {
  readonly unitE8: number;
  readonly mode: RoundingMode;
}

const maxSafe = Number.MAX_SAFE_INTEGER;
const decimalText = /^(-?)(\d{1,15})(?:\.(\d{1,8}))?$/;

/** The rounding unit for a number of decimals of a euro, 0 to 8. */
export function roundingUnitE8(decimals: number): number {
  return 10 ** (8 - decimals);
}

/** Reads `1.25` or `-0.00000001` (at most 8 decimals). NaN when it is not such text or does not fit 2^53. */
export function parseAmountE8(text: string): number {
  const match = decimalText.exec(text);
  if (match === null) return Number.NaN;
  const amount = BigInt(match[2]!) * 100_000_000n + BigInt((match[3] ?? '').padEnd(8, '0'));
  if (amount > BigInt(maxSafe)) return Number.NaN;
  return match[1] === '-' && amount !== 0n ? -Number(amount) : Number(amount);
}

/** Writes `0.1760`: all decimals that the amount has, at least `minDecimals`. */
export function formatAmountE8(amountE8: number | bigint, minDecimals = 4): string {
  const amount = BigInt(amountE8);
  const digits = (amount < 0n ? -amount : amount).toString().padStart(9, '0');
  let decimals = 8;
  while (decimals > minDecimals && digits[digits.length - 9 + decimals] === '0') decimals -= 1;
  const whole = digits.slice(0, -8);
  const fraction = digits.slice(-8, digits.length - 8 + decimals);
  return `${amount < 0n ? '-' : ''}${whole}${decimals === 0 ? '' : `.${fraction}`}`;
}

/** price x units / per, rounded once. `per` is positive; all are whole numbers. */
export function multiplyDivideE8(priceE8: number, units: number, per: number, rounding: Rounding): number {
  const product = priceE8 * units;
  // A product that comes out below 2^53 was exact; one that was rounded comes out at 2^53 or more.
  if (product <= maxSafe && product >= -maxSafe) return roundQuotientE8(product, per, rounding);
  return roundBigQuotientE8(BigInt(priceE8) * BigInt(units), BigInt(per), rounding);
}

/** numerator / denominator as a multiple of the rounding unit. Both are safe integers, the denominator positive. */
export function roundQuotientE8(numerator: number, denominator: number, rounding: Rounding): number {
  const divisor = denominator * rounding.unitE8;
  if (divisor > maxSafe) return roundBigQuotientE8(BigInt(numerator), BigInt(denominator), rounding);
  const magnitude = numerator < 0 ? -numerator : numerator;
  // Rounded to the nearest, a quotient of whole numbers below 2^53 never passes the next whole number but may reach it.
  let quotient = Math.floor(magnitude / divisor);
  let remainder = magnitude - quotient * divisor;
  if (remainder < 0) {
    quotient -= 1;
    remainder += divisor;
  }
  if (roundsAway(remainder !== 0, remainder - (divisor - remainder), rounding.mode)) quotient += 1;
  const amount = quotient * rounding.unitE8;
  if (amount > maxSafe) return numerator < 0 ? -Infinity : Infinity;
  return numerator < 0 && amount !== 0 ? -amount : amount;
}

/** The same beyond 2^53. */
export function roundBigQuotientE8(numerator: bigint, denominator: bigint, rounding: Rounding): number {
  const unit = BigInt(rounding.unitE8);
  const divisor = denominator * unit;
  const magnitude = numerator < 0n ? -numerator : numerator;
  const remainder = magnitude % divisor;
  let quotient = magnitude / divisor;
  const overHalf = 2n * remainder - divisor;
  if (roundsAway(remainder !== 0n, overHalf < 0n ? -1 : 1, rounding.mode)) quotient += 1n;
  const amount = quotient * unit;
  if (amount > BigInt(maxSafe)) return numerator < 0n ? -Infinity : Infinity;
  return numerator < 0n && amount !== 0n ? -Number(amount) : Number(amount);
}

/** Only the sign of `overHalf` (2 x remainder - divisor) counts. */
function roundsAway(hasRemainder: boolean, overHalf: number, mode: RoundingMode): boolean {
  return mode === 'up' ? hasRemainder : overHalf >= 0;
}

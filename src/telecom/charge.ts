/**
 * What a record costs: connect fee + sum of price x billed / per over its pieces, as one exact fraction, rounded once.
 * Infinity when the amount does not fit 2^53 (in 1e-8 EUR).
 */
import { type Rounding, roundBigQuotientE8, roundQuotientE8 } from './money.ts';
import type { Piece } from './record.ts';

const maxSafe = Number.MAX_SAFE_INTEGER;

/** `pieces` may be longer than the record's `count`: the array is reused. Prices and fee are not negative. */
export function chargeE8(connectFeeE8: number, pieces: readonly Piece[], count: number, rounding: Rounding): number {
  const denominator = count === 0 ? 1 : pieces[0]!.per;
  let numerator = connectFeeE8 * denominator;
  for (let i = 0; i < count; i += 1) {
    const piece = pieces[i]!;
    if (piece.per !== denominator) return exactChargeE8(connectFeeE8, pieces, count, rounding);
    const product = piece.priceE8 * piece.billed;
    numerator += product;
    // All terms are positive, so a sum below 2^53 means that no term was rounded.
    if (numerator > maxSafe) return exactChargeE8(connectFeeE8, pieces, count, rounding);
  }
  return roundQuotientE8(numerator, denominator, rounding);
}

/** Pieces priced per different units, or products beyond 2^53: slower, never different. */
function exactChargeE8(connectFeeE8: number, pieces: readonly Piece[], count: number, rounding: Rounding): number {
  let numerator = BigInt(connectFeeE8);
  let denominator = 1n;
  for (let i = 0; i < count; i += 1) {
    const piece = pieces[i]!;
    const per = BigInt(piece.per);
    const product = BigInt(piece.priceE8) * BigInt(piece.billed);
    if (per === denominator) {
      numerator += product;
    } else {
      numerator = numerator * per + product * denominator;
      denominator *= per;
    }
  }
  return roundBigQuotientE8(numerator, denominator, rounding);
}

/**
 * What a record costs: connect fee + sum of price x (billed - covered) / per over its pieces, as one exact fraction, held
 * between minimum and cap of its rule, and rounded once. Infinity when the amount does not fit 2^53 (in 1e-8 EUR).
 */
import { type Rounding, roundBigQuotientE8, roundQuotientE8 } from './money.ts';
import type { Piece } from './record.ts';

/** What a call's first rule says about the whole call. Not negative; the minimum is not above the cap. */
export interface ChargeTerms {
  readonly connectFeeE8: number;
  /** 0: none. */
  readonly minimumE8: number;
  /** Infinity: none. */
  readonly capE8: number;
  readonly rounding: Rounding;
}

/** Reused; copy what you keep. */
export interface Charge {
  amountE8: number;
  /** Which limit took the place of what the pieces add up to. */
  limit: 'minimum' | 'cap' | null;
}

const maxSafe = Number.MAX_SAFE_INTEGER;

/** `pieces` may be longer than the record's `count`: the array is reused. Fills `charge`. */
export function chargePieces(terms: ChargeTerms, pieces: readonly Piece[], count: number, charge: Charge): void {
  charge.limit = null;
  charge.amountE8 = amountOf(terms, pieces, count, charge);
}

function amountOf(terms: ChargeTerms, pieces: readonly Piece[], count: number, charge: Charge): number {
  const denominator = count === 0 ? 1 : pieces[0]!.per;
  let numerator = terms.connectFeeE8 * denominator;
  for (let i = 0; i < count; i += 1) {
    const piece = pieces[i]!;
    if (piece.per !== denominator) return exactCharge(terms, pieces, count, charge);
    numerator += piece.priceE8 * (piece.billed - piece.covered);
    // All terms are positive, so a sum below 2^53 means that no term was rounded.
    if (numerator > maxSafe) return exactCharge(terms, pieces, count, charge);
  }
  // A limit times the denominator that does not fit 2^53 comes out above it, and so above the numerator, as it should.
  if (numerator < terms.minimumE8 * denominator) return limited(terms, 'minimum', terms.minimumE8, charge);
  if (numerator > terms.capE8 * denominator) return limited(terms, 'cap', terms.capE8, charge);
  return roundQuotientE8(numerator, denominator, terms.rounding);
}

function limited(terms: ChargeTerms, limit: 'minimum' | 'cap', amountE8: number, charge: Charge): number {
  charge.limit = limit;
  return roundQuotientE8(amountE8, 1, terms.rounding);
}

/** Pieces priced per different units, or products beyond 2^53: slower, never different. */
function exactCharge(terms: ChargeTerms, pieces: readonly Piece[], count: number, charge: Charge): number {
  let numerator = BigInt(terms.connectFeeE8);
  let denominator = 1n;
  for (let i = 0; i < count; i += 1) {
    const piece = pieces[i]!;
    const per = BigInt(piece.per);
    const product = BigInt(piece.priceE8) * BigInt(piece.billed - piece.covered);
    if (per === denominator) {
      numerator += product;
    } else {
      numerator = numerator * per + product * denominator;
      denominator *= per;
    }
  }
  if (numerator < BigInt(terms.minimumE8) * denominator) return limited(terms, 'minimum', terms.minimumE8, charge);
  if (terms.capE8 !== Infinity && numerator > BigInt(terms.capE8) * denominator) {
    return limited(terms, 'cap', terms.capE8, charge);
  }
  return roundBigQuotientE8(numerator, denominator, terms.rounding);
}

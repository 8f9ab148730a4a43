/**
 * The flat tariff: one price per prefix and kind, the longest prefix decides. It lives in shared memory, so threads read one
 * copy. Amount = price x usage / per, exact, rounded once (telecom/money.ts); no prefix or no price: unrated, -1.
 */
import { createHash } from 'node:crypto';
import { multiplyDivideE8, type Rounding } from '../../telecom/money.ts';
import type { UsageBatch } from '../usage-batch.ts';
import { longestPrefix, type PrefixDigits, prefixDigits } from './prefix-digits.ts';

export interface PricedPrefix {
  readonly prefix: string;
  /** By index of the layout's kinds; null: not rated. Not negative. */
  readonly pricesE8: readonly (number | null)[];
}

/** Shared with threads as it is. */
export interface PriceTables {
  /** Equal for equal prices. */
  readonly hash: string;
  readonly prefixes: PrefixDigits;
  readonly kinds: number;
  /** By prefix number x kinds + kind; -1 for none. */
  readonly pricesE8: Float64Array<SharedArrayBuffer>;
  /** Units per price, by kind. */
  readonly per: readonly number[];
  readonly rounding: Rounding;
}

const plainBelow = 2 ** 51;

/** Fills the batch's amounts from the chunk that its records stand in. */
export type BatchRater = (batch: UsageBatch, bytes: Buffer) => void;

/** Of a prefix given twice the last one counts. */
export function priceTables(list: readonly PricedPrefix[], per: readonly number[], rounding: Rounding): PriceTables {
  const { digits, added } = prefixDigits(list.map(({ prefix }) => prefix));
  const numbers = new Map(added.map((text, number) => [text, number]));
  const kinds = per.length;
  const bytes = added.length * kinds * Float64Array.BYTES_PER_ELEMENT;
  const pricesE8 = new Float64Array(new SharedArrayBuffer(bytes)).fill(-1);
  for (const { prefix, pricesE8: own } of list) {
    const at = numbers.get(prefix)! * kinds;
    for (let kind = 0; kind < kinds; kind += 1) pricesE8[at + kind] = own[kind] ?? -1;
  }
  const hash = createHash('sha256')
    .update(JSON.stringify([list, per, rounding]))
    .digest('hex');
  return { hash, prefixes: digits, kinds, pricesE8, per, rounding };
}

export function priceRater({ prefixes, kinds, pricesE8, per, rounding }: PriceTables): BatchRater {
  const longestIn = longestPrefix(prefixes);
  const exactly = (priceE8: number, units: number, kind: number): number => {
    const amount = multiplyDivideE8(priceE8, units, per[kind]!, rounding);
    // what does not fit 2^53 is no amount
    return amount === Infinity ? -1 : amount;
  };
  const half = rounding.mode === 'half-away';
  const { unitE8 } = rounding;
  const divisors = Float64Array.from(per, (units) => units * unitE8);
  return (batch, bytes) => {
    const { rows, toAt, toDigits, kind, usage, amountE8 } = batch;
    for (let row = 0; row < rows; row += 1) {
      const told = kind[row]!;
      const priceE8 = pricesE8[longestIn(bytes, toAt[row]!, toDigits[row]!) * kinds + told]!;
      const product = priceE8 * usage[row]!;
      const divisor = divisors[told]!;
      if (priceE8 < 0) {
        amountE8[row] = -1;
      } else if (half && product < plainBelow && divisor < plainBelow) {
        // as in money.ts: below 2^51 the quotient's floor and twice the product are exact
        amountE8[row] = Math.floor((2 * product + divisor) / (2 * divisor)) * unitE8;
      } else {
        amountE8[row] = exactly(priceE8, usage[row]!, told);
      }
    }
  };
}

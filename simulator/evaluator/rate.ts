/**
 * The amount of one record, naively and exactly: no caches of results, no floating point, one rounding at the end. A
 * record that no rule covers is `unrated` with a reason; that is an outcome, not an error.
 */
import type { UsageKind } from '../tariff-form.ts';
import { add, type Fraction, roundTo, timesUnits, zero } from './fraction.ts';
import { type BilledPiece, unitPieces, voicePieces, widen } from './pieces.ts';
import { versionAt } from './rule-choice.ts';
import type { TariffBook } from './tariff-book.ts';
import type { WallClock } from './wall-clock.ts';

export interface Rateable {
  kind: UsageKind | 'recurring' | 'oneoff' | 'credit';
  category: string;
  number: string;
  visited: string;
  /** UTC, whole seconds since 1970. */
  startS: number;
  /** voice: seconds; sms, mms: messages; data: octets; others: 1. */
  usage: number;
  providerAmountE8: bigint;
}

export type Outcome =
  | { status: 'rated'; amountE8: bigint; exact: Fraction; decimals: number; pieces: BilledPiece[] }
  | { status: 'unrated'; reason: 'unknown-call-code' | 'no-tariff-version' | 'no-rule' };

export interface Rating {
  book: TariffBook;
  clock: WallClock;
}

export function rate(rating: Rating, tariff: string, record: Rateable): Outcome {
  if (record.category === 'unknown') return { status: 'unrated', reason: 'unknown-call-code' };
  const { kind } = record;
  if (kind === 'recurring' || kind === 'oneoff' || kind === 'credit') {
    const exact = { numerator: record.providerAmountE8, denominator: 10n ** 8n };
    return { status: 'rated', amountE8: record.providerAmountE8, exact, decimals: 8, pieces: [] };
  }
  const version = versionAt(rating.book, tariff, record.startS);
  if (version === undefined) return { status: 'unrated', reason: 'no-tariff-version' };
  if (kind === 'voice' && record.usage === 0) {
    return { status: 'rated', amountE8: 0n, exact: zero, decimals: 4, pieces: [] };
  }
  const to = { kind, category: record.category, number: record.number, visited: record.visited };
  const walk = { book: rating.book, tariff, clock: rating.clock, version, to, startS: record.startS };
  const pieces = kind === 'voice' ? voicePieces(walk, record.usage) : unitPieces(walk, record.usage);
  if (pieces === null) return { status: 'unrated', reason: 'no-rule' };
  return bill(widen(pieces, record.usage));
}

/** Connect fee and rounding are those of the first piece's rule. */
function bill(pieces: BilledPiece[]): Outcome {
  const rule = pieces[0]?.rule;
  if (rule === undefined) return { status: 'rated', amountE8: 0n, exact: zero, decimals: 4, pieces };
  let exact = rule.connectFee;
  for (const { step, billed } of pieces) exact = add(exact, timesUnits(step.price, billed, step.per));
  const amountE8 = roundTo(exact, rule.decimals, rule.mode) * 10n ** BigInt(8 - rule.decimals);
  return { status: 'rated', amountE8, exact, decimals: rule.decimals, pieces };
}

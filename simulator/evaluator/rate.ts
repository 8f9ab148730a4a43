/**
 * The amount of one record, naively and exactly: no caches of results, no floating point, one rounding at the end. A
 * record that no rule covers is `unrated` with a reason; that is an outcome, not an error.
 */
import type { UsageKind } from '../tariff-form.ts';
import type { Bundles } from './allowances.ts';
import { add, type Fraction, isLess, roundTo, timesUnits, zero } from './fraction.ts';
import { type BilledPiece, unitPieces, voicePieces, widen } from './pieces.ts';
import { versionAt, zoneAtStart } from './rule-choice.ts';
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
  /** The subscriber; only allowances look at it. */
  msisdn?: string;
}

export type Outcome =
  | { status: 'rated'; amountE8: bigint; exact: Fraction; decimals: number; pieces: BilledPiece[]; covered: number }
  | { status: 'unrated'; reason: 'unknown-call-code' | 'no-tariff-version' | 'no-rule' };

export interface Rating {
  book: TariffBook;
  clock: WallClock;
}

/** `bundles` are those of the record's cycle; they remember what the records before took. */
export function rate(rating: Rating, tariff: string, record: Rateable, bundles: Bundles = () => 0): Outcome {
  if (record.category === 'unknown') return { status: 'unrated', reason: 'unknown-call-code' };
  const { kind } = record;
  if (kind === 'recurring' || kind === 'oneoff' || kind === 'credit') {
    const exact = { numerator: record.providerAmountE8, denominator: 10n ** 8n };
    return { status: 'rated', amountE8: record.providerAmountE8, exact, decimals: 8, pieces: [], covered: 0 };
  }
  const version = versionAt(rating.book, tariff, record.startS);
  if (version === undefined) return { status: 'unrated', reason: 'no-tariff-version' };
  if (kind === 'voice' && record.usage === 0) {
    return { status: 'rated', amountE8: 0n, exact: zero, decimals: 4, pieces: [], covered: 0 };
  }
  const to = { kind, category: record.category, number: record.number, visited: record.visited, startS: record.startS };
  const walk = { book: rating.book, tariff, clock: rating.clock, version, to, startS: record.startS };
  const pieces = kind === 'voice' ? voicePieces(walk, record.usage) : unitPieces(walk, record.usage);
  if (pieces === null) return { status: 'unrated', reason: 'no-rule' };
  const billed = widen(pieces, record.usage);
  const widened = billed.reduce((sum, piece) => sum + piece.billed, 0);
  const zone = zoneAtStart(rating.book, version, to);
  const localDate = isoDate(rating.clock(record.startS, record.startS).date);
  const { category, usage, msisdn = '' } = record;
  return bill(billed, bundles({ kind, category, msisdn, zone, localDate, usage, widened }));
}

/** Connect fee and rounding are those of the first piece's rule. */
function bill(pieces: BilledPiece[], covered: number): Outcome {
  const rule = pieces[0]?.rule;
  if (rule === undefined) return { status: 'rated', amountE8: 0n, exact: zero, decimals: 4, pieces, covered };
  const end = pieces.reduce((sum, { billed }) => sum + billed, 0);
  if (covered === end) return { status: 'rated', amountE8: 0n, exact: zero, decimals: rule.decimals, pieces, covered };
  let exact = rule.connectFee;
  for (const { from, step, billed } of pieces) {
    const charged = Math.min(billed, Math.max(0, from + billed - covered));
    exact = add(exact, timesUnits(step.price, charged, step.per));
  }
  if (rule.minimum !== null && isLess(exact, rule.minimum)) exact = rule.minimum;
  if (rule.cap !== null && isLess(rule.cap, exact)) exact = rule.cap;
  const amountE8 = roundTo(exact, rule.decimals, rule.mode) * 10n ** BigInt(8 - rule.decimals);
  return { status: 'rated', amountE8, exact, decimals: rule.decimals, pieces, covered };
}

function isoDate(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

/** The tariff of the worked calls of the domain page, and short ways to rate a call with a tariff. */

import { parseLocalMs } from '../../src/telecom/civil-date.ts';
import { compileTariff } from '../../src/telecom/compile-tariff.ts';
import { type DstHint, openLocalTime } from '../../src/telecom/local-time.ts';
import { createRater } from '../../src/telecom/rating.ts';
import type { RateableRecord, RatedRecord } from '../../src/telecom/record.ts';
import type { RuleDocument, VersionDocument } from '../../src/telecom/tariff-schema.ts';

export const amsterdam = openLocalTime('Europe/Amsterdam');

export function rule(id: string, changes: Partial<RuleDocument> = {}): RuleDocument {
  return {
    id,
    kind: 'voice',
    match: { prefixes: ['316'] },
    steps: [{ from: 0, price: '0.10', per: 60, first: 1, next: 1 }],
    ...changes,
  };
}

function workedSteps(first: string, later: string): RuleDocument['steps'] {
  return [
    { from: 0, price: first, per: 60, first: 30, next: 6 },
    { from: 60, price: later, per: 60, first: 30, next: 6 },
  ];
}

export const workedRules: RuleDocument[] = [
  rule('night', { connectFee: '0.05', steps: workedSteps('0.06', '0.03') }),
  rule('peak', { connectFee: '0.05', active: { from: '08:00:00' }, steps: workedSteps('0.12', '0.06') }),
  rule('evening', { connectFee: '0.05', active: { from: '18:00:00' }, steps: workedSteps('0.06', '0.03') }),
];

export function version(rules: RuleDocument[], changes: Partial<VersionDocument> = {}): VersionDocument {
  return { validFrom: '2026-01-01T00:00:00', validTo: null, rules, ...changes };
}

export interface Call extends Partial<Omit<RateableRecord, 'startMs'>> {
  /** Local, Europe/Amsterdam. */
  start: string;
  dst?: DstHint;
}

export function recordOf({ start, dst, ...fields }: Call): RateableRecord {
  return {
    kind: 'voice',
    category: 'national-mobile',
    prefix: '3161234',
    visited: '',
    usage: 60,
    providerAmountE8: 0,
    startMs: amsterdam.toInstant(parseLocalMs(start), dst ?? '').utcMs,
    ...fields,
  };
}

export interface Bundle {
  versions: VersionDocument[];
  fallbacks?: Record<string, VersionDocument[]>;
}

/** One rated record; the result is not used again. */
export function rateWith(bundle: Bundle, call: Call): RatedRecord {
  const stored = (versions: VersionDocument[]) => versions.map((document, i) => ({ id: `v${i}`, document }));
  const fallbacks = Object.entries(bundle.fallbacks ?? {}).map(([code, versions]) => [code, stored(versions)]);
  const compiled = compileTariff(
    { code: 'test', versions: stored(bundle.versions), fallbacks: Object.fromEntries(fallbacks) },
    'Europe/Amsterdam',
  );
  return createRater(compiled).rate(recordOf(call));
}

/** Pieces as [from, billed, EUR per unit of price in cents, rule]. */
export function shortPieces(rated: RatedRecord): [number, number, number, string][] {
  return rated.pieces.map((piece) => [piece.from, piece.billed, piece.priceE8 / 1e6, piece.rule]);
}

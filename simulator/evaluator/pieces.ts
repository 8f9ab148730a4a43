/**
 * Cuts a record into pieces and widens them to their billing increments. A voice call is walked second by second: at
 * every one the wall clock is read and the rule chosen anew. Slow on purpose: there is no border here that somebody
 * computed. Null means that a piece begins where no rule holds.
 */
import { activeRule, type Destination, matchingRules, versionAt } from './rule-choice.ts';
import type { Rule, Step, TariffBook, Version } from './tariff-book.ts';
import type { WallClock } from './wall-clock.ts';

export interface Piece {
  from: number;
  rule: Rule;
  step: Step;
}

export interface BilledPiece extends Piece {
  /** Widened length in the record's unit. */
  billed: number;
}

export interface Walk {
  book: TariffBook;
  tariff: string;
  clock: WallClock;
  /** The version valid at the record's start. */
  version: Version;
  to: Destination;
  startS: number;
}

export function voicePieces(walk: Walk, seconds: number): Piece[] | null {
  const { book, tariff, clock, startS, to } = walk;
  const pieces: Piece[] = [];
  let version = walk.version;
  let rules = matchingRules(book, version, to, startS);
  let ruleBefore: Rule | undefined;
  let dateBefore = Number.NaN;
  for (let s = 0; s < seconds; s++) {
    if (walk.version.split) {
      const valid = versionAt(book, tariff, startS + s);
      if (valid === undefined) return null;
      if (valid !== version) {
        version = valid;
        rules = matchingRules(book, version, to, startS + s);
      }
    }
    const wall = clock(startS + s, startS);
    const rule = activeRule(rules, wall);
    if (rule === undefined) return null;
    const stepBegins = rule.steps.find((step) => step.from === s);
    if (rule !== ruleBefore || wall.date !== dateBefore || stepBegins !== undefined) {
      pieces.push({ from: s, rule, step: stepAt(rule, s) });
    }
    ruleBefore = rule;
    dateBefore = wall.date;
  }
  return pieces;
}

/** SMS and data: the rule is the one at the start, the borders are its steps. */
export function unitPieces(walk: Walk, units: number): Piece[] | null {
  const rules = matchingRules(walk.book, walk.version, walk.to, walk.startS);
  const rule = activeRule(rules, walk.clock(walk.startS, walk.startS));
  if (rule === undefined) return null;
  return rule.steps.filter((step) => step.from < units).map((step) => ({ from: step.from, rule, step }));
}

/** Left to right: what a widened piece covers is taken from the pieces that follow it. */
export function widen(pieces: readonly Piece[], usage: number): BilledPiece[] {
  const billed: BilledPiece[] = [];
  let cursor = 0;
  while (cursor < usage) {
    const piece = pieces.findLast((candidate) => candidate.from <= cursor);
    if (piece === undefined) throw new Error(`no piece covers unit ${cursor}`);
    const end = pieces.find((candidate) => candidate.from > cursor)?.from ?? usage;
    const needed = end - cursor;
    const { first, next } = piece.step;
    const width = cursor === 0 ? firstWidth(needed, first, next) : upToMultiple(needed, next);
    billed.push({ from: cursor, rule: piece.rule, step: piece.step, billed: width });
    cursor += width;
  }
  return billed;
}

function firstWidth(needed: number, first: number, next: number): number {
  return needed <= first ? first : first + upToMultiple(needed - first, next);
}

function upToMultiple(needed: number, increment: number): number {
  return Math.ceil(needed / increment) * increment;
}

function stepAt(rule: Rule, unit: number): Step {
  const step = rule.steps.findLast((candidate) => candidate.from <= unit);
  if (step === undefined) throw new Error(`rule "${rule.id}" has no step from 0`);
  return step;
}

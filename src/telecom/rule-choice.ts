/**
 * Which of several rules with the same matching prefix applies at a local time: the candidates' days are cut into bands,
 * each with one rule (or none), and kept. Highest weight, then latest start, then the document's order.
 */
import { packedDate, weekdayOf } from './civil-date.ts';
import type { CompiledRule } from './compiled-tariff.ts';

/** One local day: rule i applies from startsMs[i] to startsMs[i + 1] (local milliseconds of the day). */
export interface DayBands {
  readonly startsMs: readonly number[];
  readonly rules: readonly (CompiledRule | null)[];
}

export interface RuleCandidates {
  /** Roaming zone that these rules are for; null at home. */
  readonly zone: string | null;
  /** Every day has the same bands. */
  readonly everyDay: boolean;
  /** Bands of a local day (day number). */
  bandsOn(day: number): DayBands;
}

/** Days are kept per candidate set; a rating task sees about as many as its cycle has. */
const maxDaysKept = 400;

/** `rules` in document order, not empty. */
export function createCandidates(rules: readonly CompiledRule[], zone: string | null): RuleCandidates {
  const everyDay = rules.every((rule) => rule.months === null && rule.days === null && rule.weekdays === null);
  if (everyDay) {
    const bands = cutIntoBands(rules);
    return { zone, everyDay, bandsOn: () => bands };
  }
  const kept = new Map<number, DayBands>();
  function bandsOn(day: number): DayBands {
    let bands = kept.get(day);
    if (bands === undefined) {
      bands = cutIntoBands(rules.filter((rule) => isActiveOn(rule, day)));
      if (kept.size >= maxDaysKept) kept.clear();
      kept.set(day, bands);
    }
    return bands;
  }
  return { zone, everyDay, bandsOn };
}

/** Index of the band that contains a local time of day. */
export function bandAt(bands: DayBands, timeOfDayMs: number): number {
  const { startsMs } = bands;
  let band = startsMs.length - 1;
  while (startsMs[band]! > timeOfDayMs) band -= 1;
  return band;
}

/** `rules` are those of the day in document order. */
function cutIntoBands(rules: readonly CompiledRule[]): DayBands {
  const starts = [...new Set([0, ...rules.map((rule) => rule.fromMs)])].sort((a, b) => a - b);
  return { startsMs: starts, rules: starts.map((timeOfDayMs) => chooseRule(rules, timeOfDayMs)) };
}

function chooseRule(rules: readonly CompiledRule[], timeOfDayMs: number): CompiledRule | null {
  let best: CompiledRule | null = null;
  for (const rule of rules) {
    if (rule.fromMs <= timeOfDayMs && (best === null || goesBefore(rule, best))) best = rule;
  }
  return best;
}

/** Equal in both: the earlier one in the document stays. */
function goesBefore(rule: CompiledRule, other: CompiledRule): boolean {
  return rule.weight !== other.weight ? rule.weight > other.weight : rule.fromMs > other.fromMs;
}

function isActiveOn(rule: CompiledRule, day: number): boolean {
  const packed = packedDate(day);
  return (
    hasBit(rule.months, Math.floor(packed / 100) % 100) &&
    hasBit(rule.days, packed % 100) &&
    hasBit(rule.weekdays, weekdayOf(day))
  );
}

function hasBit(mask: number | null, bit: number): boolean {
  return mask === null || ((mask >>> bit) & 1) === 1;
}

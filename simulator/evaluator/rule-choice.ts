/**
 * Which rule holds for a record at an instant: the tariff version, the rules that match the record, and among those the
 * one that is active on the wall clock.
 */
import type { UsageKind } from '../tariff-form.ts';
import type { Rule, TariffBook, Version } from './tariff-book.ts';
import type { WallTime } from './wall-clock.ts';

/** What of a record decides about its rule. */
export interface Destination {
  kind: UsageKind;
  category: string;
  /** E.164 digits; empty for an access point and for numbers of which no digit is kept. */
  number: string;
  /** MCC+MNC of the visited network when roaming, else empty. */
  visited: string;
  /** The network's zone is that of the call's start. */
  startS: number;
}

export function versionAt(book: TariffBook, code: string, utcS: number): Version | undefined {
  const tariff = book.get(code);
  if (tariff === undefined) throw new Error(`tariff "${code}" is not in the book`);
  return tariff.versions.find((version) => version.fromS <= utcS && utcS < version.toS);
}

/** The matching rules of the version or, when it has none at all, those of its fallback tariff at that instant. */
export function matchingRules(book: TariffBook, version: Version, to: Destination, utcS: number): Rule[] {
  const own = longestMatches(version, to);
  if (own.length > 0 || version.fallback === null) return own;
  const next = versionAt(book, version.fallback, utcS);
  return next === undefined ? [] : matchingRules(book, next, to, utcS);
}

function longestMatches(version: Version, to: Destination): Rule[] {
  const zone = to.visited === '' ? null : zoneOf(version, to);
  let longest = 0;
  let best: Rule[] = [];
  for (const rule of version.rules) {
    if (rule.kind !== to.kind) continue;
    if (rule.categories !== null && !rule.categories.includes(to.category)) continue;
    if (to.visited === '' ? rule.zones !== null : zone === null || !rule.zones?.includes(zone)) continue;
    const length = matchedLength(rule, to.number);
    if (length < 0 || length < longest) continue;
    if (length > longest) best = [];
    longest = length;
    best.push(rule);
  }
  return best;
}

/** Digits of the longest prefix that the number begins with; 0 for a rule without prefixes, -1 for no match. */
function matchedLength(rule: Rule, number: string): number {
  if (rule.prefixes === null) return 0;
  let longest = -1;
  for (const prefix of rule.prefixes) {
    if (number.startsWith(prefix) && prefix.length > longest) longest = prefix.length;
  }
  return longest;
}

/** The zone as the rules that hold at the start name it; null at home. */
export function zoneAtStart(book: TariffBook, version: Version, to: Destination): string | null {
  if (to.visited === '') return null;
  if (longestMatches(version, to).length > 0 || version.fallback === null) return zoneOf(version, to);
  const next = versionAt(book, version.fallback, to.startS);
  return next === undefined ? null : zoneAtStart(book, next, to);
}

function zoneOf(version: Version, { visited, startS }: Destination): string | null {
  let longest = 0;
  let code: string | null = null;
  for (const zone of version.zones) {
    const isValid = zone.fromS <= startS && startS < zone.toS;
    if (isValid && visited.startsWith(zone.prefix) && zone.prefix.length > longest) {
      longest = zone.prefix.length;
      code = zone.code;
    }
  }
  return code;
}

/** Highest weight, then the latest `from`, then document order; undefined when none is active. */
export function activeRule(rules: readonly Rule[], wall: WallTime): Rule | undefined {
  let best: Rule | undefined;
  for (const rule of rules) {
    if (isActive(rule, wall) && (best === undefined || comesBefore(rule, best))) best = rule;
  }
  return best;
}

function isActive(rule: Rule, wall: WallTime): boolean {
  if (rule.fromSecond > wall.secondOfDay) return false;
  if (rule.weekdays !== null && !rule.weekdays.includes(wall.weekday)) return false;
  if (rule.months !== null && !rule.months.includes(wall.month)) return false;
  return rule.days === null || rule.days.includes(wall.dayOfMonth);
}

function comesBefore(a: Rule, b: Rule): boolean {
  if (a.weight !== b.weight) return a.weight > b.weight;
  if (a.fromSecond !== b.fromSecond) return a.fromSecond > b.fromSecond;
  return a.order < b.order;
}

/**
 * An independent, slow reading of the tariff semantics (docs/tariff.md): walks each call second by second with Temporal,
 * keeps amounts as BigInt fractions, and shares nothing with src/telecom but the types of the documents.
 */
import type { RateableRecord } from '../../src/telecom/record.ts';
import type { RuleDocument, VersionDocument } from '../../src/telecom/tariff-schema.ts';

export interface OracleAnswer {
  readonly status: 'rated' | 'unrated';
  readonly reason: string | null;
  readonly amountE8: bigint;
  readonly billed: number;
  /** "from+widened rule" of each billed piece. */
  readonly pieces: readonly string[];
  /** Widened units that allowances covered. */
  readonly covered: number;
}

/** Answers how many of the widened units are covered, in the zone of the start (null at home). */
export type Cover = (zone: string | null, widened: number) => number;

/** Zones of a version without zones of its own. */
export type ZoneSets = readonly {
  readonly from: string;
  readonly zones: Readonly<Record<string, readonly string[]>>;
}[];

interface Clock {
  readonly date: string;
  readonly time: string;
  readonly month: number;
  readonly day: number;
  readonly weekday: string;
}

interface Second {
  readonly rule: RuleDocument | null;
  readonly source: string;
  readonly date: string;
  readonly zone: string | null;
}

const timeZone = 'Europe/Amsterdam';
const clocks = new Map<number, Clock>();

function clockAt(epochSecond: number): Clock {
  let clock = clocks.get(epochSecond);
  if (clock === undefined) {
    const at = Temporal.Instant.fromEpochMilliseconds(epochSecond * 1000).toZonedDateTimeISO(timeZone);
    const weekday = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'][at.dayOfWeek - 1]!;
    const [date, time] = at.toPlainDateTime().toString({ smallestUnit: 'second' }).split('T') as [string, string];
    clock = { date, time, month: at.month, day: at.day, weekday };
    clocks.set(epochSecond, clock);
  }
  return clock;
}

const instants = new Map<string, number>();

function instant(local: string): number {
  let second = instants.get(local);
  if (second === undefined) {
    second = Temporal.PlainDateTime.from(local).toZonedDateTime(timeZone).epochMilliseconds / 1000;
    instants.set(local, second);
  }
  return second;
}

function versionAt(versions: readonly VersionDocument[], epochSecond: number): number {
  return versions.findIndex(
    ({ validFrom, validTo }) =>
      instant(validFrom) <= epochSecond && (validTo === null || epochSecond < instant(validTo)),
  );
}

/** Longest prefix of the rule that the record's digits begin with; -1 when it has prefixes and none matches. */
function matchLength(rule: RuleDocument, record: RateableRecord): number {
  if (rule.match.prefixes === undefined) return 0;
  return Math.max(-1, ...rule.match.prefixes.filter((p) => record.prefix.startsWith(p)).map((p) => p.length));
}

function zoneIn(version: VersionDocument, sets: ZoneSets, record: RateableRecord): string | undefined {
  const dated = sets.filter(({ from }) => instant(from) * 1000 <= record.startMs).at(-1)?.zones ?? {};
  const networks = Object.entries(version.zones ?? dated).flatMap(([zone, list]) => list.map((n) => ({ zone, n })));
  return networks.filter(({ n }) => record.visited.startsWith(n)).sort((a, b) => b.n.length - a.n.length)[0]?.zone;
}

function candidatesOf(version: VersionDocument, sets: ZoneSets, record: RateableRecord): RuleDocument[] {
  const visitedZone = zoneIn(version, sets, record);
  const matching = version.rules.filter(({ kind, match }) => {
    if (kind !== record.kind) return false;
    if (match.categories !== undefined && !(match.categories as string[]).includes(record.category)) return false;
    if (record.visited === '') return match.zones === undefined;
    return visitedZone !== undefined && match.zones?.includes(visitedZone) === true;
  });
  const longest = Math.max(-1, ...matching.map((rule) => matchLength(rule, record)));
  return matching.filter((rule) => longest >= 0 && matchLength(rule, record) === longest);
}

function bestActive(candidates: readonly RuleDocument[], clock: Clock): RuleDocument | null {
  const from = (rule: RuleDocument): string => rule.active?.from ?? '00:00:00';
  const active = candidates.filter(({ active: when }) => {
    if (when?.months !== undefined && !when.months.includes(clock.month)) return false;
    if (when?.days !== undefined && !when.days.includes(clock.day)) return false;
    if (when?.weekdays !== undefined && !(when.weekdays as string[]).includes(clock.weekday)) return false;
    return (when?.from ?? '00:00:00') <= clock.time;
  });
  const ordered = active.sort((a, b) => (b.weight ?? 0) - (a.weight ?? 0) || from(b).localeCompare(from(a)));
  return ordered[0] ?? null;
}

export function slowRate(
  versions: readonly VersionDocument[],
  fallbacks: Readonly<Record<string, readonly VersionDocument[]>>,
  record: RateableRecord,
  sets: ZoneSets = [],
  cover: Cover = () => 0,
): OracleAnswer {
  const start = record.startMs / 1000;
  const atStart = versionAt(versions, start);
  if (atStart === -1) return unrated('no-tariff-version');
  const split = versions[atStart]!.changePolicy === 'split';

  const found = new Map<VersionDocument, RuleDocument[]>();
  function matchingIn(version: VersionDocument): RuleDocument[] {
    const rules = found.get(version) ?? candidatesOf(version, sets, record);
    found.set(version, rules);
    return rules;
  }

  function secondAt(s: number): Second {
    const clock = clockAt(start + s);
    const index = split ? versionAt(versions, start + s) : atStart;
    const version = versions[index];
    if (version === undefined) return { rule: null, source: 'none', date: clock.date, zone: null };
    const candidates = matchingIn(version);
    const zone = (of: VersionDocument) => (record.visited === '' ? null : (zoneIn(of, sets, record) ?? null));
    const common = { date: clock.date };
    if (candidates.length > 0) {
      return { ...common, rule: bestActive(candidates, clock), source: `${index}`, zone: zone(version) };
    }
    const other = version.fallback === undefined ? [] : (fallbacks[version.fallback] ?? []);
    const otherIndex = versionAt(other, split ? start + s : start);
    const rule = otherIndex === -1 ? null : bestActive(matchingIn(other[otherIndex]!), clock);
    const source = `${version.fallback}:${otherIndex}`;
    return { ...common, rule, source, zone: otherIndex === -1 ? null : zone(other[otherIndex]!) };
  }

  const voice = record.kind === 'voice';
  const first = secondAt(0);
  const seconds: Second[] = [];
  const begins: boolean[] = [];
  for (let s = 0; s < record.usage; s += 1) {
    const now = voice ? secondAt(s) : first;
    const before = seconds[s - 1];
    seconds.push(now);
    const sameRule = before?.rule === now.rule && (now.rule === null || before?.source === now.source);
    const step = now.rule?.steps.some(({ from }) => from === s) ?? false;
    begins.push(before === undefined || !sameRule || before.date !== now.date || step);
  }
  if (seconds.some(({ rule }) => rule === null)) return unrated('no-rule');

  const pieces: string[] = [];
  let numerator = 0n;
  let denominator = 1n;
  let billed = 0;
  const parts: { step: RuleDocument['steps'][number]; widened: number }[] = [];
  let c = 0;
  while (c < record.usage) {
    const rule = seconds[c]!.rule!;
    const step = rule.steps.filter(({ from }) => from <= c).at(-1)!;
    let end = c + 1;
    while (end < record.usage && !begins[end]) end += 1;
    let widened = 0;
    if (c === 0) widened = step.first;
    while (widened < end - c) widened += step.next;
    pieces.push(`${c}+${widened} ${rule.id}`);
    parts.push({ step, widened });
    billed += widened;
    c += widened;
  }
  const firstRule = seconds[0]!.rule!;
  const covered = cover(first.zone, billed);
  if (covered === billed) return { status: 'rated', reason: null, amountE8: 0n, billed, pieces, covered };
  let free = covered;
  for (const { step, widened } of parts) {
    const charged = BigInt(Math.max(0, widened - free));
    free = Math.max(0, free - widened);
    numerator = numerator * BigInt(step.per) + e8(step.price) * charged * denominator;
    denominator *= BigInt(step.per);
  }
  numerator += e8(firstRule.connectFee ?? '0') * denominator;
  const least = e8(firstRule.minimum ?? '0') * denominator;
  if (numerator < least) numerator = least;
  const most = firstRule.cap === undefined ? numerator : e8(firstRule.cap.amount) * denominator;
  if (numerator > most) numerator = most;
  return {
    status: 'rated',
    reason: null,
    amountE8: rounded(numerator, denominator, firstRule),
    billed,
    pieces,
    covered,
  };
}

function rounded(numerator: bigint, denominator: bigint, rule: RuleDocument): bigint {
  const unit = 10n ** BigInt(8 - (rule.rounding?.decimals ?? 4));
  const half = rule.rounding?.mode === 'up' ? denominator * unit - 1n : (denominator * unit) / 2n;
  return ((numerator + half) / (denominator * unit)) * unit;
}

function e8(text: string): bigint {
  const [whole, fraction = ''] = text.split('.') as [string, string?];
  return BigInt(whole) * 100_000_000n + BigInt(fraction.padEnd(8, '0'));
}

function unrated(reason: string): OracleAnswer {
  return { status: 'unrated', reason, amountE8: 0n, billed: 0, pieces: [], covered: 0 };
}

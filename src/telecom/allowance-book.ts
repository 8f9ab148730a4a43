/**
 * Consumes a contract's allowances in one cycle (domain.md section 1, step 6; exact semantics in docs/tariff.md). Records must
 * come in order of (start, record key): whoever is earlier takes what is left. One book per cycle and rating; no allocation
 * per record, one small object for each subscription and allowance.
 */
import { type Allowance, type AllowanceState, type AllowanceUse, homeZone } from './allowance.ts';
import { parseIsoDate } from './civil-date.ts';
import type { LocalTime } from './local-time.ts';
import type { RateableRecord, RecordKind } from './record.ts';
import { fairUseOctets } from './wholesale-cap.ts';

export interface AllowanceBook {
  /** What the last call of `cover` took, `useCount` of them. */
  readonly uses: readonly AllowanceUse[];
  useCount: number;
  /**
   * Takes what is there for a record of `widened` units. Answers how many of these are covered, from the first one on.
   * `zone` is the roaming zone, null at home.
   */
  cover(record: RateableRecord, msisdn: string, zone: string | null, widened: number): number;
  /** Undoes the last `cover`. */
  giveBack(): void;
  /**
   * Leaves exactly these amounts, so that `cover` takes again what was stored with a record, also from an allowance that would not
   * count for it as it is told today. Ids that are unknown are nothing.
   */
  leave(msisdn: string, used: Readonly<Record<string, number>>): void;
  /** What was taken from, in no particular order. */
  states(): AllowanceState[];
}

interface Bucket {
  used: number;
  left: number;
  fairLeft: number;
}

interface Entry {
  readonly allowance: Allowance;
  readonly fromMs: number;
  readonly toMs: number;
  readonly categories: ReadonlySet<string>;
  readonly zones: ReadonlySet<string>;
  readonly fairZones: ReadonlySet<string> | null;
  readonly fairLimit: number;
  readonly buckets: Map<string, Bucket>;
}

/** `cycleStart` is the cycle's first local date: its year's wholesale cap holds for the whole cycle. */
export function createAllowanceBook(
  allowances: readonly Allowance[],
  cycleStart: string,
  localTime: LocalTime,
): AllowanceBook {
  const year = Number(cycleStart.slice(0, 4));
  const entries = [...allowances].sort(goesBefore).map((allowance) => open(allowance, year, localTime));
  const byKind = new Map<RecordKind, Entry[]>();
  for (const entry of entries) {
    const { kind } = entry.allowance;
    byKind.set(kind, [...(byKind.get(kind) ?? []), entry]);
  }
  const uses: AllowanceUse[] = [];
  const taken: { bucket: Bucket; fair: boolean }[] = [];
  let settled = false;

  function cover(record: RateableRecord, msisdn: string, zone: string | null, widened: number): number {
    book.useCount = 0;
    const candidates = byKind.get(record.kind);
    if (candidates === undefined) return 0;
    const place = zone ?? homeZone;
    let covered = 0;
    for (const entry of candidates) {
      if (covered >= widened) break;
      if (!settled && !counts(entry, record, msisdn, place)) continue;
      const bucket = bucketOf(entry, msisdn);
      const fair = entry.fairZones?.has(place) === true;
      const left = fair ? Math.min(bucket.left, bucket.fairLeft) : bucket.left;
      if (left <= 0) continue;
      const { increment } = entry.allowance;
      const wanted = increment === null || covered >= record.usage ? widened - covered : record.usage - covered;
      const take = Math.min(left, increment === null ? wanted : Math.ceil(wanted / increment) * increment);
      note(entry, bucket, fair, take);
      covered = take >= wanted && increment !== null ? widened : covered + take;
    }
    return covered;
  }

  function note(entry: Entry, bucket: Bucket, fair: boolean, take: number): void {
    move(bucket, fair, take);
    const at = book.useCount;
    const use = uses[at];
    if (use === undefined) {
      uses.push({ allowance: entry.allowance, used: take });
      taken.push({ bucket, fair });
    } else {
      use.allowance = entry.allowance;
      use.used = take;
      const before = taken[at]!;
      before.bucket = bucket;
      before.fair = fair;
    }
    book.useCount = at + 1;
  }

  function giveBack(): void {
    for (let i = 0; i < book.useCount; i += 1) move(taken[i]!.bucket, taken[i]!.fair, -uses[i]!.used);
    book.useCount = 0;
  }

  function leave(msisdn: string, used: Readonly<Record<string, number>>): void {
    settled = true;
    for (const entry of entries) {
      const bucket = bucketOf(entry, msisdn);
      bucket.left = used[entry.allowance.id] ?? 0;
      bucket.fairLeft = Infinity;
    }
  }

  function states(): AllowanceState[] {
    return entries.flatMap(({ allowance, fairZones, fairLimit, buckets }) =>
      [...buckets].map(([msisdn, bucket]) => ({
        id: allowance.id,
        msisdn,
        amount: allowance.amount,
        used: bucket.used,
        fairUseLimit: fairZones === null || fairLimit === Infinity ? null : fairLimit,
        fairUseUsed: fairZones === null || fairLimit === Infinity ? 0 : fairLimit - bucket.fairLeft,
      })),
    );
  }

  const book: AllowanceBook = { uses, useCount: 0, cover, giveBack, leave, states };
  return book;
}

function open(allowance: Allowance, year: number, localTime: LocalTime): Entry {
  const { validFrom, validTo, fairUse } = allowance;
  return {
    allowance,
    fromMs: validFrom === null ? -Infinity : localTime.startOfDayMs(parseIsoDate(validFrom)),
    toMs: validTo === null ? Infinity : localTime.startOfDayMs(parseIsoDate(validTo)),
    categories: new Set(allowance.categories),
    zones: new Set(allowance.zones),
    fairZones: fairUse === null ? null : new Set(fairUse.zones),
    fairLimit: fairUse === null ? Infinity : fairUseOctets(fairUse.monthlyPriceE8, year),
    buckets: new Map(),
  };
}

/** Highest priority first, then a subscription's own before the contract's, then by name. */
function goesBefore(a: Allowance, b: Allowance): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if ((a.msisdn === null) !== (b.msisdn === null)) return a.msisdn === null ? 1 : -1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function counts(entry: Entry, record: RateableRecord, msisdn: string, place: string): boolean {
  const { allowance, fromMs, toMs, categories, zones } = entry;
  if (allowance.msisdn !== null && allowance.msisdn !== msisdn) return false;
  if (record.startMs < fromMs || record.startMs >= toMs) return false;
  return categories.has(record.category) && zones.has(place);
}

function bucketOf({ allowance, buckets, fairLimit }: Entry, msisdn: string): Bucket {
  const key = allowance.shared ? '' : msisdn;
  let bucket = buckets.get(key);
  if (bucket === undefined) {
    bucket = { used: 0, left: allowance.amount, fairLeft: fairLimit };
    buckets.set(key, bucket);
  }
  return bucket;
}

function move(bucket: Bucket, fair: boolean, take: number): void {
  bucket.used += take;
  bucket.left -= take;
  if (fair) bucket.fairLeft -= take;
}

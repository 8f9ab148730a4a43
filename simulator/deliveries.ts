/**
 * Which lines stand in which file of an account: every record in the file of its month, except late ones (0.5 %, one
 * file later); some twice (0.2 %), some corrected or cancelled by a later line (0.1 %). Each file is in order of start, so
 * that lines without a summer-time flag can be understood; a correction follows its original.
 */
import type { Account } from './account.ts';
import type { Calendar } from './calendar.ts';
import { edgeCalls } from './edge-calls.ts';
import { type Random, seededRandom } from './random.ts';
import { type Draft, trafficRecord } from './traffic.ts';
import type { UsageRecord } from './usage-record.ts';

export interface DeliveryPlan {
  seed: number;
  account: Account;
  calendar: Calendar;
  /** Ascending, such as `2026-03`. */
  months: readonly string[];
  /** Lines to place in the months, in the same order. */
  lines: readonly number[];
  tariffChanges: readonly string[];
}

/** The lines of each month's file, header and trailer not counted. */
export function deliveries(plan: DeliveryPlan): UsageRecord[][] {
  const files: UsageRecord[][] = plan.months.map(() => []);
  const nextId = idSequence(plan.account);
  plan.months.forEach((month, index) => {
    const random = seededRandom(plan.seed, `traffic:${plan.account.account}:${month}`);
    const later = index + 1 < files.length ? index + 1 : index;
    placeMonth(plan, { random, month, lines: plan.lines[index] ?? 0, nextId }, (line, isLater) => {
      files[isLater ? later : index]?.push(line);
    });
  });
  return files.map(inOrderOfStart);
}

interface Month {
  random: Random;
  month: string;
  lines: number;
  nextId: () => string;
}

function placeMonth(plan: DeliveryPlan, month: Month, place: (line: UsageRecord, isLater: boolean) => void): void {
  const { random, lines, nextId } = month;
  const doubles = Math.round(lines * 0.002);
  const corrections = Math.round(lines * 0.001);
  const records = drafts(plan, month, lines - doubles - corrections)
    .sort((a, b) => a.startS - b.startS)
    .map((draft): UsageRecord => ({ ...draft, id: nextId(), change: '', originalId: '' }));
  const movable = shuffled(
    random,
    records.filter((record) => isMovable(record, plan.calendar)),
  );
  const late = new Set(movable.splice(0, Math.round(lines * 0.005)));
  for (const record of records) place(record, late.has(record));
  for (const record of movable.splice(0, doubles)) place({ ...record }, random.oneIn(2));
  for (const record of movable.splice(0, corrections)) place(correctionOf(random, record, nextId()), random.oneIn(2));
}

function drafts(plan: DeliveryPlan, month: Month, count: number): Draft[] {
  const { random } = month;
  const traffic = { account: plan.account, calendar: plan.calendar, ...plan.calendar.monthRange(month.month) };
  const place = { ...traffic, hasAnchors: count >= 2 };
  const list = edgeCalls(random, place, plan.tariffChanges).slice(0, count);
  while (list.length < count) list.push(trafficRecord(random, place));
  return list;
}

function isMovable(record: UsageRecord, calendar: Calendar): boolean {
  const readByOrder = record.dstFlag === '' && calendar.isAmbiguous(record.startS);
  return !record.isEdge && !readByOrder && record.line !== '40' && record.line !== '50';
}

function correctionOf(random: Random, record: UsageRecord, id: string): UsageRecord {
  const correction = { ...record, id, originalId: record.id };
  if (random.below(10) < 3) return { ...correction, change: 'D' };
  return {
    ...correction,
    change: 'C',
    quantity: record.line === '20' ? record.quantity + 1 : record.quantity + random.between(1, 240),
    octets: record.line === '30' ? record.octets + random.between(1, 3_000_000) : 0,
    amountE4: record.amountE4 + random.between(1, 500),
  };
}

/** Stable, so that what belongs together keeps the order in which it was placed. */
function inOrderOfStart(lines: UsageRecord[]): UsageRecord[] {
  return lines.sort((a, b) => a.startS - b.startS);
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

function idSequence(account: Account): () => string {
  let last = 0;
  return () => `K${account.account.slice(-4)}${String(++last).padStart(7, '0')}`;
}

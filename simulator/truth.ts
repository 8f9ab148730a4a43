/**
 * What every total must be: the records active at the end, each rated by the evaluator, added up per account, cycle,
 * subscriber and category. The order and the files in which lines arrived do not matter.
 */
import type { Account } from './account.ts';
import type { Calendar } from './calendar.ts';
import { bundles, type Holding } from './evaluator/allowances.ts';
import { type Outcome, type Rateable, type Rating, rate } from './evaluator/rate.ts';
import { categoryOfCallCode, type UsageRecord } from './usage-record.ts';

export interface CycleTruth {
  customer: string;
  account: string;
  /** Local date of the cycle's first day. */
  cycleStart: string;
  records: bigint;
  unrated: bigint;
  amountE8: bigint;
  totals: TotalTruth[];
}

export interface TotalTruth {
  msisdn: string;
  category: string;
  records: bigint;
  unrated: bigint;
  /** Seconds of voice and data lines; 0 for messages and fees. */
  usageS: bigint;
  usageOctets: bigint;
  /** Messages of sms lines; 1 per record of every other kind. */
  usageCount: bigint;
  amountE8: bigint;
  /** What the provider's file says, unrated records included. */
  providerAmountE8: bigint;
}

/** Doubles once, corrected records by their correction, cancelled ones not at all. `lines`: of all files of one account. */
export function activeRecords(lines: readonly UsageRecord[]): UsageRecord[] {
  const byId = new Map(lines.map((line) => [line.id, line]));
  for (const line of lines) {
    if (line.change !== '') byId.delete(line.originalId);
    if (line.change === 'D') byId.delete(line.id);
  }
  return [...byId.values()];
}

export function accountTruth(
  account: Account,
  lines: readonly UsageRecord[],
  calendar: Calendar,
  rating: Rating,
): CycleTruth[] {
  const cycles = new Map<string, { totals: Map<string, TotalTruth>; bundles: ReturnType<typeof bundles> }>();
  for (const record of activeRecords(lines).sort(byStart)) {
    const rateable = rateableOf(record);
    const start = `${calendar.monthOf(record.startS)}-01`;
    const cycle = entry(cycles, start, () => ({ totals: new Map(), bundles: bundles(holdingsOf(account), start) }));
    const { category } = rateable;
    const total = entry(cycle.totals, `${record.msisdn} ${category}`, () => emptyTotal(record.msisdn, category));
    addTo(total, record, rateable, rate(rating, account.tariff, rateable, cycle.bundles));
  }
  return [...cycles].sort(byKey).map(([cycleStart, cycle]) => {
    const list = [...cycle.totals].sort(byKey).map(([, total]) => total);
    const sum = (of: (total: TotalTruth) => bigint) => list.reduce((all, total) => all + of(total), 0n);
    return {
      customer: account.customer,
      account: account.account,
      cycleStart,
      records: sum((total) => total.records),
      unrated: sum((total) => total.unrated),
      amountE8: sum((total) => total.amountE8),
      totals: list,
    };
  });
}

/** The order in which allowances are taken: by start, then by the id of the record, which for a correction is its original's. */
function byStart(a: UsageRecord, b: UsageRecord): number {
  if (a.startS !== b.startS) return a.startS - b.startS;
  return (a.originalId || a.id) < (b.originalId || b.id) ? -1 : 1;
}

export function holdingsOf(account: Account): Holding[] {
  const own = account.subscribers.flatMap(({ msisdn, allowances }) =>
    (allowances ?? []).map((form) => ({ form, msisdn })),
  );
  return [...own, ...(account.allowances ?? []).map((form) => ({ form, msisdn: null }))];
}

export function rateableOf(record: UsageRecord): Rateable {
  const common = {
    msisdn: record.msisdn,
    number: record.number,
    startS: record.startS,
    providerAmountE8: BigInt(record.amountE4) * 10_000n,
  };
  if (record.line === '40') return { ...common, kind: 'recurring', category: 'recurring', visited: '', usage: 1 };
  if (record.line === '50') {
    const kind = record.amountE4 < 0 ? 'credit' : 'oneoff';
    return { ...common, kind, category: kind, visited: '', usage: 1 };
  }
  const kind = record.line === '10' ? 'voice' : record.line === '20' ? 'sms' : 'data';
  return {
    ...common,
    kind,
    category: categoryOfCallCode[record.callCode] ?? 'unknown',
    visited: isRoaming(record) ? record.visited : '',
    usage: kind === 'data' ? record.octets : record.quantity,
  };
}

/** The visited network counts for roaming call codes, and for messages sent outside the home country (MCC 204). */
function isRoaming(record: UsageRecord): boolean {
  if (record.line === '20') return record.visited !== '' && !record.visited.startsWith('204');
  return ['3000', '3010', '3100', '3110', '6100', '6200'].includes(record.callCode);
}

function addTo(total: TotalTruth, record: UsageRecord, rateable: Rateable, outcome: Outcome): void {
  total.records += 1n;
  if (record.line === '10' || record.line === '30') total.usageS += BigInt(record.quantity);
  total.usageOctets += BigInt(record.octets);
  total.usageCount += record.line === '20' ? BigInt(record.quantity) : 1n;
  total.providerAmountE8 += rateable.providerAmountE8;
  if (outcome.status === 'rated') total.amountE8 += outcome.amountE8;
  else total.unrated += 1n;
}

function emptyTotal(msisdn: string, category: string): TotalTruth {
  const nothing = { records: 0n, unrated: 0n, usageS: 0n, usageOctets: 0n, usageCount: 0n };
  return { msisdn, category, ...nothing, amountE8: 0n, providerAmountE8: 0n };
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

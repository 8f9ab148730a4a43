/**
 * What one T_MOBILE account used: records with the versions that the provider gives them. Most are final at once. Of two
 * versions that stand side by side the higher counts; a void one cancels. In the last three days some are provisional, and
 * become final with other values, and some are not known yet: both a day after the simulated present (`settled`).
 */
import type { Account } from '../account.ts';
import type { Calendar } from '../calendar.ts';
import { edgeCalls } from '../edge-calls.ts';
import { type Random, seededRandom } from '../random.ts';
import { type Draft, trafficRecord } from '../traffic.ts';
import type { UsageRecord } from '../usage-record.ts';

export type ItemState = 'provisional' | 'final' | 'void';

export interface ItemVersion {
  version: number;
  state: ItemState;
  usage: UsageRecord;
  /** `now`: from the beginning; `settled`: a day later; `provisional`: until then. */
  shown: 'always' | 'settled' | 'until-settled';
}

export interface UsageItem {
  id: string;
  versions: ItemVersion[];
}

export interface UsagePlan {
  seed: number;
  account: Account;
  calendar: Calendar;
  months: readonly string[];
  /** Items of each month. */
  items: readonly number[];
}

const unsettledS = 2.5 * 86_400;

/** In order of start; ids ascend with it. */
export function usageItems(plan: UsagePlan): UsageItem[] {
  let last = 0;
  const endS = plan.calendar.monthRange(plan.months.at(-1)!).toS;
  return plan.months.flatMap((month, index) => {
    const random = seededRandom(plan.seed, `t-mobile:${plan.account.account}:${month}`);
    const drafts = draftsOf(plan, random, month, plan.items[index] ?? 0);
    return drafts.map((draft) => {
      const id = `tm-${plan.account.account.slice(-4)}-${String(++last).padStart(8, '0')}`;
      const usage: UsageRecord = {
        ...draft,
        id,
        change: '',
        originalId: '',
        dstFlag: plan.calendar.dstFlag(draft.startS),
      };
      return { id, versions: versionsOf(random, usage, draft.startS >= endS - unsettledS) };
    });
  });
}

function draftsOf(plan: UsagePlan, random: Random, month: string, count: number): Draft[] {
  const range = plan.calendar.monthRange(month);
  const place = { account: plan.account, calendar: plan.calendar, ...range, hasAnchors: true };
  const list = edgeCalls(random, place, []).slice(0, Math.floor(count / 2));
  while (list.length < count) list.push(trafficRecord(random, place));
  return list.sort((a, b) => a.startS - b.startS);
}

function versionsOf(random: Random, usage: UsageRecord, isRecent: boolean): ItemVersion[] {
  const only = (state: ItemState): ItemVersion[] => [{ version: 1, state, usage, shown: 'always' }];
  const isFixed = usage.isEdge || usage.line === '40' || usage.line === '50';
  const ticket = isFixed ? 1000 : random.below(1000);
  if (isRecent && ticket < 100) {
    return [
      { version: 1, state: 'provisional', usage, shown: 'until-settled' },
      { version: 2, state: 'final', usage: otherThan(random, usage), shown: 'settled' },
    ];
  }
  if (isRecent && ticket < 120) return [{ version: 1, state: 'final', usage, shown: 'settled' }];
  if (ticket < 4) {
    return [...only('provisional'), { version: 2, state: 'final', usage: otherThan(random, usage), shown: 'always' }];
  }
  if (ticket < 5) return [...only('final'), { version: 2, state: 'void', usage, shown: 'always' }];
  return only('final');
}

/** The same record with other values, as its next version has them. */
export function otherThan(random: Random, usage: UsageRecord): UsageRecord {
  return {
    ...usage,
    quantity: usage.line === '20' ? usage.quantity + 1 : usage.quantity + random.between(1, 240),
    octets: usage.line === '30' ? usage.octets + random.between(1, 3_000_000) : 0,
    amountE4: usage.amountE4 + random.between(1, 500),
  };
}

export function shownVersions(item: UsageItem, isSettled: boolean): ItemVersion[] {
  return item.versions.filter(({ shown }) => shown === 'always' || (shown === 'settled') === isSettled);
}

/** What counts: the highest version of each, unless it is void. */
export function activeUsage(items: readonly UsageItem[], isSettled: boolean): UsageRecord[] {
  return items.flatMap((item) => {
    const newest = shownVersions(item, isSettled).sort((a, b) => b.version - a.version)[0];
    return newest === undefined || newest.state === 'void' ? [] : [newest.usage];
  });
}

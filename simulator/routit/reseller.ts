/**
 * The reseller and its end customers: every simulated customer is one, and one more is at the provider that nobody has told
 * us of. Their lines are calls and messages at home, fees and credits; a few are of a number that is nobody's subscription.
 */
import type { Account } from '../account.ts';
import { accounts } from '../account.ts';
import { edgeCalls } from '../edge-calls.ts';
import { type Rating, rate } from '../evaluator/rate.ts';
import type { ProviderPlan } from '../http/provider.ts';
import { seededRandom } from '../random.ts';
import { resoldAllowances } from '../tariffs/allowances.ts';
import { type Draft, trafficRecord } from '../traffic.ts';
import { rateableOf } from '../truth.ts';
import type { UsageRecord } from '../usage-record.ts';
import type { Charges } from './charges.ts';

export const resellerAccount = '0000000900';
export const purchaseTariff = 'routit-purchase';
export const resaleTariff = 'routit-resale';
/** In no subscription list. */
export const strangeNumber = '31850000999';
export const strangeCustomer = '0000005999';

type ResellerPlan = Pick<ProviderPlan, 'seed' | 'customers' | 'subs' | 'months' | 'calendar' | 'rating' | 'share'>;

export interface EndCustomer {
  account: Account;
  isKnown: boolean;
  decimalMark: '.' | ',';
}

const strangeLines = 25;

export function endCustomers(who: ResellerPlan): EndCustomer[] {
  const { customers, calendar } = who;
  const plan = { label: 'routit', firstAccount: 5001, tariffOf: () => resaleTariff };
  const known = accounts(who, calendar.timeZone, plan).map((account) => ({
    ...account,
    allowances: resoldAllowances(account.subscribers.length),
  }));
  const stranger: Account = {
    index: customers,
    customer: '',
    name: 'Onbekend',
    account: strangeCustomer,
    tariff: resaleTariff,
    timeZone: calendar.timeZone,
    validFrom: `${who.months[0]}-01`,
    subscribers: [{ msisdn: '31850000998', costCentre: '' }],
  };
  return [...known, stranger].map((account, index) => ({
    account,
    isKnown: account !== stranger,
    decimalMark: index % 2 === 0 ? ',' : '.',
  }));
}

/** Of each end customer and period, with purchase prices. */
export function allCharges(plan: ResellerPlan, customers: readonly EndCustomer[]): Charges[] {
  return plan.months.flatMap((period, monthIndex) =>
    customers.map((customer) => {
      const { account, isKnown, decimalMark } = customer;
      const lines = linesOf(plan, account, period, isKnown ? plan.share(account.index, monthIndex) : strangeLines);
      return {
        reseller: resellerAccount,
        period,
        customerId: account.account,
        decimalMark,
        contractFrom: account.validFrom,
        lines,
      };
    }),
  );
}

function linesOf(plan: ResellerPlan, account: Account, period: string, count: number): UsageRecord[] {
  const { calendar, rating } = plan;
  const random = seededRandom(plan.seed, `routit:${account.account}:${period}`);
  const place = { account, calendar, ...calendar.monthRange(period), hasAnchors: true };
  const drafts: Draft[] = edgeCalls(random, place, []).slice(0, Math.floor(count / 2));
  while (drafts.length < count) {
    const draft = trafficRecord(random, place);
    if (isAtHome(draft)) drafts.push(draft);
  }
  drafts.sort((a, b) => a.startS - b.startS);
  const strange = strangeCalls(drafts);
  return drafts.map((draft, index) => {
    const id = `R${account.account.slice(-4)}-${period.replace('-', '')}-${String(index + 1).padStart(7, '0')}`;
    const line: UsageRecord = {
      ...draft,
      id,
      msisdn: strange.has(index) ? strangeNumber : draft.msisdn,
      visited: '',
      // the form has no place for several messages in a line, and none for summer time
      quantity: draft.line === '20' ? 1 : draft.quantity,
      dstFlag: '',
      change: '',
      originalId: '',
    };
    return { ...line, amountE4: purchaseE4(rating, line) };
  });
}

/** The first call of every thousand lines and a bit. */
function strangeCalls(drafts: readonly Draft[]): ReadonlySet<number> {
  const chosen = new Set<number>();
  for (let from = 996; from < drafts.length; from += 997) {
    const index = drafts.findIndex(({ line }, at) => at >= from && line === '10');
    if (index >= 0) chosen.add(index);
  }
  return chosen;
}

/** Roaming and data have no columns in this form. */
function isAtHome({ line, visited, callCode }: Draft): boolean {
  return line !== '30' && !callCode.startsWith('3') && (visited === '' || visited.startsWith('204'));
}

/** What the provider asks: exactly the purchase tariff's price, and something where that has none. */
function purchaseE4(rating: Rating, line: UsageRecord): number {
  if (line.line === '40' || line.line === '50') return line.amountE4;
  const outcome = rate(rating, purchaseTariff, rateableOf(line));
  return outcome.status === 'rated' ? Number(outcome.amountE8 / 10_000n) : line.amountE4;
}

/** T_MOBILE as the simulator runs it: accounts, usage, tariff, contracts, truth and endpoints from one plan. */
import { type Account, accounts, type ContractForm, contractForm } from '../account.ts';
import type { Calendar } from '../calendar.ts';
import type { ProviderPlan, SimulatedProvider } from '../http/provider.ts';
import { seededRandom } from '../random.ts';
import type { TariffForm } from '../tariff-form.ts';
import { mobileAllowances } from '../tariffs/allowances.ts';
import { plainTariff } from '../tariffs/plain.ts';
import { perMinute } from '../tariffs/rules.ts';
import { accountTruth } from '../truth.ts';
import { clientIdOf, tMobileEndpoints, tMobileFaults } from './endpoints.ts';
import { activeUsage, otherThan, type UsageItem, usageItems } from './usage.ts';

const tariff = 'tmobile-business';
export const secretEnv = 'T_MOBILE_CLIENT_SECRET';
const pageSize = 1_000;
const settledAfterS = 86_400;

export function tMobileTariff(timeZone: string): TariffForm {
  const increment = perMinute(30, 1);
  return plainTariff({ tariff, provider: 'T_MOBILE', timeZone, percent: 100, increment, connectFee: 45_000 });
}

export function tMobileProvider(plan: ProviderPlan): SimulatedProvider {
  const { seed, months, calendar } = plan;
  const accountPlan = { label: 't-mobile subscribers', firstAccount: 301, tariffOf: () => tariff };
  const list = accounts(plan, calendar.timeZone, accountPlan).map((account) => ({
    account: { ...account, allowances: mobileAllowances(account.subscribers.length) },
    items: usageItems({
      seed,
      account,
      calendar,
      months,
      items: months.map((_, month) => plan.share(account.index, month)),
    }),
  }));
  const isSettled = () => plan.clock.advancedS() >= settledAfterS;
  let corrected = 0;

  /** F22: usage that was final gets a higher version, or becomes void. */
  function correct(order: Readonly<Record<string, unknown>>): unknown {
    const { account, month, items = 5, kind = 'void' } = order;
    const found = list.find((one) => one.account.account === account);
    if (found === undefined)
      throw new Error(`"account" is not one of ${list.map((one) => one.account.account).join(', ')}`);
    if (kind !== 'void' && kind !== 'changed') throw new Error('"kind" is not one of void, changed');
    const random = seededRandom(seed, `t-mobile correction ${++corrected}`);
    const chosen = found.items.filter((item) => isCorrectable(item, calendar, month)).slice(0, Number(items));
    for (const item of chosen) {
      const newest = item.versions[0]!;
      const usage = kind === 'void' ? newest.usage : otherThan(random, newest.usage);
      item.versions.push({ version: 2, state: kind === 'void' ? 'void' : 'final', usage, shown: 'always' });
    }
    return { corrected: chosen.map(({ id }) => id) };
  }

  return {
    name: 'T_MOBILE',
    menu: tMobileFaults,
    tariffs: [tMobileTariff(calendar.timeZone)],
    contracts: (base) => list.map(({ account }) => contractOf(account, base)),
    endpoints: () =>
      tMobileEndpoints({
        calendar,
        accounts: list,
        clientSecret: plan.secret,
        pageSize,
        nowS: plan.clock.nowS,
        isSettled,
      }),
    cycles: () =>
      list.flatMap(({ account, items }) =>
        accountTruth(account, activeUsage(items, isSettled()), calendar, plan.rating).map((cycle) => ({
          provider: 'T_MOBILE',
          ...cycle,
        })),
      ),
    truth: () => ({}),
    orders: { correct },
  };
}

function contractOf(account: Account, base: string): ContractForm {
  const transport = { kind: 'rest', base, clientId: clientIdOf(account), clientSecret: { env: secretEnv } };
  return contractForm(account, 'T_MOBILE', [{ name: 'calvi', syncType: 'T_MOBILE', everyMinutes: 60, transport }]);
}

function isCorrectable({ versions }: UsageItem, calendar: Calendar, month: unknown): boolean {
  const [only] = versions;
  const isPlain = versions.length === 1 && only?.state === 'final' && only.shown === 'always';
  if (!isPlain || only.usage.isEdge || only.usage.line !== '10') return false;
  return month === undefined || calendar.monthOf(only.usage.startS) === month;
}

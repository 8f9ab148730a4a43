/** ROUTIT as the simulator runs it: the reseller's end customers, two tariffs, contracts, truth and endpoints from one plan. */
import { type ContractForm, contractForm } from '../account.ts';
import type { ProviderPlan, SimulatedProvider } from '../http/provider.ts';
import type { TariffForm } from '../tariff-form.ts';
import { plainTariff } from '../tariffs/plain.ts';
import { perMinute } from '../tariffs/rules.ts';
import { accountTruth } from '../truth.ts';
import type { UsageRecord } from '../usage-record.ts';
import { chargesName } from './charges.ts';
import { type Delivered, deliveredCharges, fateOf, fileEndpoint } from './delivered.ts';
import { routItEndpoints, routItFaults } from './endpoints.ts';
import { allCharges, endCustomers, purchaseTariff, resaleTariff, resellerAccount, strangeNumber } from './reseller.ts';

export const passwordEnv = 'ROUTIT_PASSWORD';
const user = 'reseller';
const pageSize = 2;

/** Bought by the second, sold by the minute with a fee. */
export function routItTariffs(timeZone: string): TariffForm[] {
  const common = { provider: 'ROUTIT', timeZone };
  const bought = { tariff: purchaseTariff, percent: 60, increment: perMinute(1, 1), connectFee: 10_000 };
  const sold = { tariff: resaleTariff, percent: 115, increment: perMinute(60, 60), connectFee: 50_000 };
  return [plainTariff({ ...common, ...bought }), plainTariff({ ...common, ...sold })];
}

export function routItProvider(plan: ProviderPlan): SimulatedProvider {
  const { calendar, months, faults } = plan;
  const customers = endCustomers(plan);
  const delivered = deliveredCharges(allCharges(plan, customers), calendar, faults);
  const known = customers.filter(({ isKnown }) => isKnown).map(({ account }) => account);

  function indexOf(order: Readonly<Record<string, unknown>>): number {
    const { customer, period } = order;
    const index = delivered
      .files()
      .findIndex(({ charges }) => charges.customerId === customer && charges.period === period);
    if (index >= 0) return index;
    const ids = customers.map(({ account }) => account.account).join(', ');
    throw new Error(`"customer" and "period" name no file; customers: ${ids}; periods: ${months.join(', ')}`);
  }

  return {
    name: 'ROUTIT',
    menu: routItFaults,
    tariffs: routItTariffs(calendar.timeZone),
    contracts: (base) => [resellerContract(plan, base), ...known.map((account) => contractForm(account, 'ROUTIT', []))],
    endpoints: (base) => routItEndpoints({ delivered, user, password: plan.secret, pageSize }, base),
    cycles: () =>
      known.flatMap((account) => {
        const mine = delivered.counting().filter(({ customerId }) => customerId === account.account);
        const lines = mine.flatMap((charges) => charges.lines.filter(({ msisdn }) => msisdn !== strangeNumber));
        return accountTruth(account, lines, calendar, plan.rating).map((cycle) => ({ provider: 'ROUTIT', ...cycle }));
      }),
    truth: () => ({
      resellers: months.map((period) => resellerTruth(delivered, period)),
      suspense: suspenseOf(delivered, new Set(known.map(({ account }) => account))),
      files: delivered.files().flatMap(({ charges, file }, index) => {
        const fault = faults.ofDocuments(fileEndpoint).find(({ nth }) => nth === index + 1);
        return fault === undefined ? [] : [{ file: chargesName(charges), fate: fateOf(fault, file.rows) }];
      }),
    }),
    orders: {
      deliver(order) {
        delivered.deliver(indexOf(order));
        return {};
      },
      redeliver(order) {
        delivered.redeliver(indexOf(order));
        return {};
      },
    },
  };
}

/** The reseller's own contract: its profile fetches for all end customers, and its tariff is what they are bought at. */
function resellerContract({ calendar, months }: ProviderPlan, base: string): ContractForm {
  const account = {
    index: 0,
    customer: 'R001',
    name: 'Telecom Partners',
    account: resellerAccount,
    tariff: purchaseTariff,
    timeZone: calendar.timeZone,
    validFrom: `${months[0]}-01`,
    subscribers: [],
  };
  const transport = { kind: 'rest', base, user, password: { env: passwordEnv } };
  const profile = { name: 'routit', syncType: 'ROUTIT', everyMinutes: 60, since: account.validFrom, transport };
  return contractForm(account, 'ROUTIT', [profile]);
}

function resellerTruth(delivered: Delivered, period: string) {
  const customers = delivered
    .counting()
    .filter((charges) => charges.period === period)
    .map(({ customerId, lines }) => ({ customerId, rows: lines.length, netE8: netE8(lines) }));
  return {
    reseller: resellerAccount,
    period,
    rows: customers.reduce((sum, { rows }) => sum + rows, 0),
    netE8: customers.reduce((sum, one) => sum + one.netE8, 0n),
    customers,
  };
}

/** What nobody has a contract or a subscription for: by customer, or by number of a known customer. */
function suspenseOf(delivered: Delivered, known: ReadonlySet<string>) {
  return delivered.counting().flatMap(({ customerId, period, lines }) => {
    if (!known.has(customerId)) return [{ customerId, period, records: lines.length }];
    const records = lines.filter(({ msisdn }) => msisdn === strangeNumber).length;
    return records === 0 ? [] : [{ customerId, period, msisdn: strangeNumber, records }];
  });
}

function netE8(lines: readonly UsageRecord[]): bigint {
  return lines.reduce((sum, { amountE4 }) => sum + BigInt(amountE4) * 10_000n, 0n);
}

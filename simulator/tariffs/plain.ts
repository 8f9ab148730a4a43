/**
 * A tariff of one version with few rules, for providers whose shape is what matters: every category has a price but the
 * satellite. Prices are those of the table raised to `percent`.
 */
import type { RuleForm, TariffForm } from '../tariff-form.ts';
import { bands, type Increment, type Price, priceIndex, steps, workdays } from './rules.ts';

export interface PlainTariff {
  tariff: string;
  provider: string;
  timeZone: string;
  percent: number;
  /** Of calls at home. */
  increment: Increment;
  /** Micro-euros, per call at home. */
  connectFee: number;
}

const mebibyte = 1_048_576;
const each = { per: 1, first: 1, next: 1 };
const countries = ['1', '32', '33', '34', '44', '48', '49', '90', '212', '597'];

export function plainTariff(plan: PlainTariff): TariffForm {
  const price = priceIndex(plan.percent);
  return {
    tariff: plan.tariff,
    provider: plan.provider,
    currency: 'EUR',
    timeZone: plan.timeZone,
    versions: [
      {
        validFrom: '2020-01-01T00:00:00',
        validTo: null,
        zones: { eu: ['208', '262', '206', '214', '222'], world: ['310', '286', '228', '604'], sea: ['20899'] },
        rules: [...home(plan, price), ...away(plan, price), ...messages(price), ...data(price)],
      },
    ],
  };
}

function home({ increment, connectFee }: PlainTariff, price: Price): RuleForm[] {
  const fee = price(connectFee);
  const flat = (microEur: number) => steps(increment, [0, price(microEur)]);
  return [
    ...bands({ id: 'fixed', kind: 'voice', match: { prefixes: ['31'] }, connectFee: fee }, [
      { name: 'peak', from: '08:00:00', weekdays: workdays, steps: flat(42_000) },
      { name: 'rest', from: '00:00:00', steps: flat(21_000) },
      { name: 'evening', from: '18:00:00', steps: flat(27_000) },
    ]),
    ...bands({ id: 'mobile', kind: 'voice', match: { prefixes: ['316'] }, connectFee: fee }, [
      { name: 'day', from: '07:00:00', steps: steps(increment, [0, price(95_000)], [120, price(61_000)]) },
      { name: 'night', from: '00:00:00', steps: flat(38_000) },
    ]),
    {
      id: 'on-net',
      kind: 'voice',
      match: { prefixes: ['316'], categories: ['on-net'] },
      weight: 10,
      steps: flat(7_500),
    },
    { id: 'voicemail', kind: 'voice', match: { categories: ['voicemail'] }, steps: flat(30_000) },
    { id: 'free', kind: 'voice', match: { categories: ['freephone'] }, steps: flat(0) },
    { id: 'free-0800', kind: 'voice', match: { prefixes: ['31800'] }, steps: flat(0) },
    {
      id: 'premium',
      kind: 'voice',
      match: { prefixes: ['31900', '31906', '31909'], categories: ['premium'] },
      connectFee: price(400_000),
      steps: flat(310_000),
    },
    { id: 'short', kind: 'voice', match: { categories: ['short-code'] }, steps: flat(120_000) },
  ];
}

function away({ increment }: PlainTariff, price: Price): RuleForm[] {
  const flat = (microEur: number) => steps(increment, [0, price(microEur)]);
  return [
    {
      id: 'abroad',
      kind: 'voice',
      match: { prefixes: countries, categories: ['international'] },
      connectFee: price(60_000),
      steps: flat(173_000),
    },
    { id: 'eu', kind: 'voice', match: { zones: ['eu'] }, steps: flat(55_000) },
    { id: 'world', kind: 'voice', match: { zones: ['world'] }, connectFee: price(150_000), steps: flat(1_080_000) },
    { id: 'sea', kind: 'voice', match: { zones: ['sea'] }, steps: flat(4_100_000) },
  ];
}

function messages(price: Price): RuleForm[] {
  return [
    { id: 'sms', kind: 'sms', match: { prefixes: ['31'] }, steps: steps(each, [0, price(72_000)], [3, price(50_000)]) },
    {
      id: 'sms-abroad',
      kind: 'sms',
      match: { prefixes: countries, categories: ['sms', 'sms-abroad'] },
      steps: steps(each, [0, price(128_000)]),
    },
    { id: 'sms-premium', kind: 'sms', match: { categories: ['sms-premium'] }, steps: steps(each, [0, price(550_000)]) },
    { id: 'sms-away', kind: 'sms', match: { zones: ['eu', 'world', 'sea'] }, steps: steps(each, [0, price(310_000)]) },
  ];
}

function data(price: Price): RuleForm[] {
  const small = { per: mebibyte, first: 1024, next: 1024 };
  return [
    {
      id: 'data',
      kind: 'data',
      match: { categories: ['data-national'] },
      steps: steps(small, [0, price(1_800)], [20 * mebibyte, price(900)]),
    },
    { id: 'data-eu', kind: 'data', match: { zones: ['eu'] }, steps: steps(small, [0, price(2_100)]) },
    { id: 'data-away', kind: 'data', match: { zones: ['world', 'sea'] }, steps: steps(small, [0, price(4_400_000)]) },
  ];
}

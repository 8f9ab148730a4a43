/**
 * "KPN zakelijk flex": calls that are under way when the prices change, at noon on 16 April 2026, are split there. What it
 * does not price itself (far countries and their roaming zone) is left to the fallback tariff "KPN wereld".
 */
import type { RuleForm, TariffForm, VersionForm } from '../tariff-form.ts';
import { bands, type Price, perMinute, priceIndex, steps, workdays } from './rules.ts';

const change = '2026-04-16T12:00:00';
const kibibyte = 1024;
const mebibyte = 1_048_576;

export function flex(timeZone: string): TariffForm {
  return {
    tariff: 'kpn-zakelijk-flex',
    provider: 'KPN',
    currency: 'EUR',
    timeZone,
    versions: [version('2020-01-01T00:00:00', change, 100), version(change, null, 90)],
  };
}

function version(validFrom: string, validTo: string | null, percent: number): VersionForm {
  const price = priceIndex(percent);
  return {
    validFrom,
    validTo,
    changePolicy: 'split',
    fallback: 'kpn-wereld',
    zones: { eu: ['208', '262', '206', '214', '222'] },
    rules: [...voice(price), ...others(price)],
  };
}

function voice(price: Price): RuleForm[] {
  const categories = ['international'];
  return [
    ...bands({ id: 'nl', kind: 'voice', match: { prefixes: ['31'] }, connectFee: price(40_000) }, [
      { name: 'peak', from: '08:00:00', weekdays: workdays, steps: steps(perMinute(1, 1), [0, price(50_000)]) },
      { name: 'rest', from: '00:00:00', steps: steps(perMinute(60, 60), [0, price(30_000)], [300, price(15_000)]) },
      { name: 'evening', from: '18:00:00', steps: steps(perMinute(30, 6), [0, price(40_000)]) },
    ]),
    ...bands({ id: 'nl-mobile', kind: 'voice', match: { prefixes: ['316'] }, connectFee: price(60_000) }, [
      {
        name: 'peak',
        from: '08:00:00',
        weekdays: workdays,
        steps: steps(perMinute(60, 1), [0, price(98_000)], [120, price(70_000)]),
      },
      { name: 'evening', from: '18:00:00', steps: steps(perMinute(30, 6), [0, price(70_000)], [60, price(45_000)]) },
      { name: 'small-hours', from: '00:00:00', steps: steps(perMinute(30, 6), [0, price(40_000)]) },
      { name: 'dawn', from: '02:30:00', steps: steps(perMinute(10, 5), [0, price(17_000)]) },
      {
        name: 'weekend',
        from: '07:00:00',
        weekdays: ['sat', 'sun'],
        steps: steps(perMinute(30, 6), [0, price(52_000)]),
      },
    ]),
    {
      id: 'on-net',
      kind: 'voice',
      match: { prefixes: ['316', '3161'], categories: ['on-net'] },
      weight: 5,
      steps: steps(perMinute(30, 6), [0, price(12_500)]),
    },
    {
      id: 'voicemail',
      kind: 'voice',
      match: { categories: ['voicemail'] },
      steps: steps(perMinute(1, 1), [0, price(30_000)]),
    },
    {
      id: 'freephone',
      kind: 'voice',
      match: { prefixes: ['31800'], categories: ['freephone'] },
      steps: steps(perMinute(60, 60), [0, price(0)]),
    },
    {
      id: 'helpline',
      kind: 'voice',
      match: { categories: ['freephone'] },
      steps: steps(perMinute(60, 60), [0, price(0)]),
    },
    {
      id: 'premium',
      kind: 'voice',
      match: { categories: ['premium'], prefixes: ['319'] },
      connectFee: price(300_000),
      steps: steps(perMinute(60, 60), [0, price(800_000)]),
    },
    {
      id: 'short-code',
      kind: 'voice',
      match: { categories: ['short-code'] },
      connectFee: price(100_000),
      cap: { amount: price(2_500_000), strategy: 'free' },
      steps: steps(perMinute(60, 30), [0, price(1_000_000)]),
    },
    {
      id: 'near',
      kind: 'voice',
      match: { prefixes: ['32', '49', '33', '34', '48', '44', '1'], categories },
      connectFee: price(70_000),
      minimum: price(300_000),
      steps: steps(perMinute(60, 1), [0, price(101_000)]),
      rounding: { decimals: 4, mode: 'up' },
    },
    {
      id: 'near-mobile',
      kind: 'voice',
      match: { prefixes: ['324', '491', '336', '337', '346', '447'], categories },
      connectFee: price(70_000),
      steps: steps(perMinute(30, 6), [0, price(201_000)]),
    },
    {
      id: 'eu-roaming',
      kind: 'voice',
      match: { zones: ['eu'], categories: ['roaming-eu-mo'] },
      steps: steps(perMinute(30, 1), [0, price(83_000)]),
      rounding: { decimals: 4, mode: 'up' },
    },
    {
      id: 'eu-roaming-called',
      kind: 'voice',
      match: { zones: ['eu'], categories: ['roaming-eu-mt'] },
      steps: steps(perMinute(1, 1), [0, price(6_000)]),
    },
  ];
}

function others(price: Price): RuleForm[] {
  const each = { per: 1, first: 1, next: 1 };
  return [
    { id: 'sms-nl', kind: 'sms', match: { prefixes: ['31'] }, steps: steps(each, [0, price(70_000)]) },
    {
      id: 'sms-near',
      kind: 'sms',
      match: { prefixes: ['32', '49', '33', '34', '48', '44', '1'] },
      steps: steps(each, [0, price(125_000)], [3, price(90_000)]),
    },
    { id: 'sms-premium', kind: 'sms', match: { categories: ['sms-premium'] }, steps: steps(each, [0, price(750_000)]) },
    { id: 'sms-eu', kind: 'sms', match: { zones: ['eu'] }, steps: steps(each, [0, price(65_000)]) },
    {
      id: 'data-nl',
      kind: 'data',
      match: { categories: ['data-national'] },
      steps: steps({ per: mebibyte, first: kibibyte, next: kibibyte }, [0, price(1_500)], [5 * mebibyte, price(1_000)]),
    },
    {
      id: 'data-eu',
      kind: 'data',
      match: { zones: ['eu'] },
      steps: steps({ per: mebibyte, first: 10 * kibibyte, next: kibibyte }, [0, price(2_750)]),
    },
  ];
}

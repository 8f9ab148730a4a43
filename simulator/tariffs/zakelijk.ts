/**
 * "KPN zakelijk": priced by the version at the start of a call, prices and an increment change at midnight on 16 April
 * 2026. Its on-net price of 0.0125 a minute in steps of 6 seconds lands on exact halves of the 4th decimal.
 */
import type { RuleForm, TariffForm, VersionForm } from '../tariff-form.ts';
import { bands, type Price, perMinute, priceIndex, steps, workdays } from './rules.ts';

const change = '2026-04-16T00:00:00';
const mebibyte = 1_048_576;

export function zakelijk(timeZone: string): TariffForm {
  return {
    tariff: 'kpn-zakelijk',
    provider: 'KPN',
    currency: 'EUR',
    timeZone,
    versions: [version('2020-01-01T00:00:00', change, 100), version(change, null, 115)],
  };
}

function version(validFrom: string, validTo: string | null, percent: number): VersionForm {
  const price = priceIndex(percent);
  return {
    validFrom,
    validTo,
    zones: {
      eu: ['208', '262', '206', '214', '222'],
      world: ['310', '286', '228', '604'],
      maritime: ['20899'],
    },
    rules: [
      ...national(price, percent === 100),
      ...service(price),
      ...abroad(price),
      ...messages(price),
      ...data(price),
    ],
  };
}

function national(price: Price, early: boolean): RuleForm[] {
  const fixedIncrement = early ? perMinute(60, 60) : perMinute(30, 6);
  const mobileIncrement = perMinute(30, 6);
  return [
    ...bands({ id: 'nl-fixed', kind: 'voice', match: { prefixes: ['31'] }, connectFee: price(35_000) }, [
      { name: 'peak', from: '08:00:00', weekdays: workdays, steps: steps(fixedIncrement, [0, price(60_000)]) },
      { name: 'evening', from: '18:00:00', steps: steps(fixedIncrement, [0, price(40_000)]) },
      { name: 'night', from: '00:00:00', steps: steps(fixedIncrement, [0, price(25_000)]) },
    ]),
    ...bands({ id: 'nl-mobile', kind: 'voice', match: { prefixes: ['316'] }, connectFee: price(50_000) }, [
      {
        name: 'peak',
        from: '08:00:00',
        weekdays: workdays,
        steps: steps(mobileIncrement, [0, price(120_000)], [60, price(60_000)]),
      },
      {
        name: 'weekend',
        from: '08:00:00',
        weekdays: ['sat', 'sun'],
        steps: steps(perMinute(60, 60), [0, price(55_000)]),
      },
      { name: 'evening', from: '18:00:00', steps: steps(mobileIncrement, [0, price(60_000)], [60, price(30_000)]) },
      { name: 'night', from: '00:00:00', steps: steps(mobileIncrement, [0, price(48_000)], [60, price(24_000)]) },
      { name: 'deep-night', from: '02:30:00', steps: steps(perMinute(30, 10), [0, price(20_000)], [60, price(9_000)]) },
    ]),
    {
      id: 'nl-mobile-sunday',
      kind: 'voice',
      match: { prefixes: ['316'] },
      active: { weekdays: ['sun'], from: '10:00:00' },
      weight: 10,
      connectFee: price(50_000),
      steps: steps(mobileIncrement, [0, price(40_000)]),
    },
    {
      id: 'nl-mobile-kings-day',
      kind: 'voice',
      match: { prefixes: ['316'] },
      active: { months: [4], days: [27] },
      weight: 20,
      steps: steps(mobileIncrement, [0, price(10_000)]),
    },
    ...bands({ id: 'nl-own-range', kind: 'voice', match: { prefixes: ['3161'] }, connectFee: price(20_000) }, [
      { name: 'peak', from: '08:00:00', weekdays: workdays, steps: steps(perMinute(1, 1), [0, price(70_000)]) },
      { name: 'rest', from: '00:00:00', steps: steps(perMinute(1, 1), [0, price(45_000)], [600, price(20_000)]) },
    ]),
    {
      id: 'on-net',
      kind: 'voice',
      match: { prefixes: ['316'], categories: ['on-net'] },
      weight: 30,
      steps: steps(mobileIncrement, [0, price(12_500)]),
    },
  ];
}

function service(price: Price): RuleForm[] {
  return [
    {
      id: 'voicemail',
      kind: 'voice',
      match: { categories: ['voicemail'] },
      steps: steps(perMinute(60, 60), [0, price(40_000)]),
    },
    { id: 'freephone', kind: 'voice', match: { prefixes: ['31800'] }, steps: steps(perMinute(1, 1), [0, price(0)]) },
    {
      id: 'helpline',
      kind: 'voice',
      match: { categories: ['freephone'] },
      steps: steps(perMinute(1, 1), [0, price(0)]),
    },
    {
      id: 'premium',
      kind: 'voice',
      match: { prefixes: ['31900', '31906', '31909'], categories: ['premium'] },
      connectFee: price(450_000),
      steps: steps(perMinute(1, 1), [0, price(350_000)]),
      rounding: { decimals: 2, mode: 'up' },
    },
    {
      id: 'directory',
      kind: 'voice',
      match: { prefixes: ['18'], categories: ['short-code'] },
      connectFee: price(900_000),
      steps: steps(perMinute(30, 30), [0, price(1_300_000)]),
    },
    {
      id: 'short-code',
      kind: 'voice',
      match: { categories: ['short-code'] },
      steps: steps(perMinute(60, 1), [0, price(55_000)]),
    },
  ];
}

function abroad(price: Price): RuleForm[] {
  const categories = ['international'];
  const minutes = perMinute(60, 60);
  return [
    {
      id: 'eu-fixed',
      kind: 'voice',
      match: { prefixes: ['32', '49', '33', '34', '48', '44'], categories },
      connectFee: price(80_000),
      steps: steps(minutes, [0, price(90_000)]),
    },
    {
      id: 'eu-mobile',
      kind: 'voice',
      match: { prefixes: ['324', '491', '336', '337', '346', '447'], categories },
      connectFee: price(80_000),
      steps: steps(perMinute(30, 6), [0, price(190_000)], [120, price(150_000)]),
    },
    {
      id: 'north-america',
      kind: 'voice',
      match: { prefixes: ['1'], categories },
      minimum: price(150_000),
      steps: steps(minutes, [0, price(110_000)]),
    },
    {
      id: 'world',
      kind: 'voice',
      match: { prefixes: ['90', '212', '597'], categories },
      connectFee: price(100_000),
      cap: { amount: price(2_400_000), strategy: 'disconnect' },
      steps: steps(perMinute(1, 1), [0, price(713_000)]),
      rounding: { decimals: 4, mode: 'up' },
    },
    {
      id: 'eu-roaming',
      kind: 'voice',
      match: { zones: ['eu'] },
      connectFee: price(50_000),
      steps: steps(perMinute(1, 1), [0, price(95_000)]),
    },
    {
      id: 'eu-roaming-home',
      kind: 'voice',
      match: { zones: ['eu'], prefixes: ['31'] },
      steps: steps(perMinute(30, 1), [0, price(60_000)]),
    },
    {
      id: 'eu-roaming-called',
      kind: 'voice',
      match: { zones: ['eu'], prefixes: ['31', '316'], categories: ['roaming-eu-mt'] },
      weight: 5,
      steps: steps(perMinute(1, 1), [0, price(7_500)]),
    },
    {
      id: 'world-roaming',
      kind: 'voice',
      match: { zones: ['world'] },
      connectFee: price(250_000),
      steps: steps(minutes, [0, price(1_190_000)]),
    },
    { id: 'maritime', kind: 'voice', match: { zones: ['maritime'] }, steps: steps(minutes, [0, price(4_500_000)]) },
  ];
}

function messages(price: Price): RuleForm[] {
  const each = { per: 1, first: 1, next: 1 };
  return [
    {
      id: 'sms-nl',
      kind: 'sms',
      match: { prefixes: ['31'] },
      steps: steps(each, [0, price(85_000)], [2, price(60_000)]),
    },
    {
      id: 'sms-abroad',
      kind: 'sms',
      match: {
        prefixes: ['32', '49', '33', '34', '48', '44', '1', '90', '212', '597'],
        categories: ['sms', 'sms-abroad'],
      },
      steps: steps(each, [0, price(140_000)]),
    },
    {
      id: 'sms-premium',
      kind: 'sms',
      match: { categories: ['sms-premium'] },
      connectFee: price(250_000),
      steps: steps(each, [0, price(600_000)]),
    },
    { id: 'sms-eu', kind: 'sms', match: { zones: ['eu'] }, steps: steps(each, [0, price(70_000)]) },
    { id: 'sms-world', kind: 'sms', match: { zones: ['world', 'maritime'] }, steps: steps(each, [0, price(490_000)]) },
  ];
}

function data(price: Price): RuleForm[] {
  const small = { per: mebibyte, first: 10_240, next: 1024 };
  return [
    ...bands({ id: 'data-nl', kind: 'data', match: { categories: ['data-national'] } }, [
      { name: 'day', from: '08:00:00', steps: steps(small, [0, price(2_000)], [10 * mebibyte, price(1_200)]) },
      { name: 'night', from: '00:00:00', steps: steps(small, [0, price(1_000)]) },
    ]),
    {
      id: 'data-eu',
      kind: 'data',
      match: { zones: ['eu'] },
      steps: steps({ per: mebibyte, first: 1024, next: 1024 }, [0, price(2_500)]),
    },
    {
      id: 'data-world',
      kind: 'data',
      match: { zones: ['world'] },
      steps: steps({ per: mebibyte, first: 102_400, next: 102_400 }, [0, price(4_950_000)]),
    },
    {
      id: 'data-maritime',
      kind: 'data',
      match: { zones: ['maritime'] },
      steps: steps({ per: mebibyte, first: mebibyte, next: mebibyte }, [0, price(9_000_000)]),
    },
  ];
}

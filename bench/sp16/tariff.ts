/** The bench's tariff: peak and off-peak, steps, a connect fee, 200 international prefixes, roaming by zone. */
import type { TariffBundle } from '../../src/compute/tasks/messages.ts';

const week = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

function voice(id: string, match: object, price: string, offPeak: string): object[] {
  const steps = (amount: string) => [
    { from: 0, price: amount, per: 60, first: 30, next: 6 },
    { from: 60, price: offPeak, per: 60, first: 30, next: 6 },
  ];
  const rule = { kind: 'voice', match, connectFee: '0.05' };
  const at = (suffix: string, from: string, amount: string) => ({
    ...rule,
    id: `${id}-${suffix}`,
    active: { weekdays: week, from },
    steps: steps(amount),
  });
  return [at('peak', '08:00:00', price), at('evening', '18:00:00', offPeak), at('night', '00:00:00', offPeak)];
}

function plain(id: string, kind: string, match: object, price: string, per: number): object {
  return { id, kind, match, steps: [{ from: 0, price, per, first: per, next: per }] };
}

const abroad = Array.from({ length: 200 }, (_, index) => String(30 + Math.floor(index / 4)) + String(index % 10));

export const benchTariff: TariffBundle = {
  code: 'bench',
  fallbacks: {},
  versions: [
    {
      id: '1',
      document: {
        validFrom: '2026-01-01T00:00:00',
        validTo: null,
        zones: { eu: ['208', '262'], world: ['310'] },
        rules: [
          ...voice('mobile', { prefixes: ['316'] }, '0.12', '0.06'),
          ...voice('fixed', { prefixes: ['31'] }, '0.08', '0.04'),
          ...voice('voicemail', { categories: ['voicemail'] }, '0.02', '0.01'),
          ...voice('free', { prefixes: ['31800'] }, '0.00', '0.00'),
          ...voice('abroad', { categories: ['international'] }, '0.40', '0.30'),
          ...abroad.flatMap((prefix) => voice(`abroad-${prefix}`, { prefixes: [prefix] }, '0.25', '0.20')),
          ...voice('roaming', { zones: ['eu', 'world'] }, '0.10', '0.10'),
          plain('sms', 'sms', { categories: ['sms'] }, '0.05', 1),
          plain('data', 'data', { categories: ['data-national'] }, '0.001', 1024),
          plain('data-eu', 'data', { zones: ['eu'] }, '0.002', 1024),
        ],
      },
    },
  ],
};

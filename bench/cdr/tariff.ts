/**
 * The full rules of the bench for every prefix of the flat list, as SQL can still say them: connect fee, peak from 8 to 18
 * local, off-peak at half the price, from the second minute on at half the price of the first, 30/6, rounded once.
 */
import type { TariffBundle } from '../../src/compute/tasks/messages.ts';
import { formatAmountE8 } from '../../src/telecom/money.ts';
import { prices } from './prices.ts';

export const timeZone = 'Europe/Amsterdam';
/** Local minus UTC in the month of the file. */
export const offsetHours = 2;
export const peakHours = [8, 18] as const;

export interface RulePrices {
  readonly prefix: string;
  /** By band, peak first. */
  readonly connectE8: readonly [number, number];
  /** By band, then step. */
  readonly minuteE8: readonly [readonly [number, number], readonly [number, number]];
  readonly messageE8: number;
}

export function rulePrices(): RulePrices[] {
  return prices().map(({ prefix, pricesE8 }) => {
    const minute = pricesE8[0]! * 4;
    return {
      prefix,
      connectE8: [5_000_000, 2_500_000],
      minuteE8: [
        [minute, minute / 2],
        [minute / 2, minute / 4],
      ],
      messageE8: pricesE8[1]!,
    };
  });
}

export function ruleTariff(): TariffBundle {
  const rules = rulePrices().flatMap(({ prefix, connectE8, minuteE8, messageE8 }) => {
    const voice = (name: string, from: string, band: 0 | 1) => ({
      id: `${prefix}-${name}`,
      kind: 'voice',
      match: { prefixes: [prefix] },
      connectFee: formatAmountE8(connectE8[band]),
      active: { from },
      steps: [
        { from: 0, price: formatAmountE8(minuteE8[band][0]), per: 60, first: 30, next: 6 },
        { from: 60, price: formatAmountE8(minuteE8[band][1]), per: 60, first: 30, next: 6 },
      ],
    });
    const steps = [{ from: 0, price: formatAmountE8(messageE8), per: 1, first: 1, next: 1 }];
    return [
      voice('night', '00:00:00', 1),
      voice('peak', '08:00:00', 0),
      voice('evening', '18:00:00', 1),
      { id: `${prefix}-sms`, kind: 'sms', match: { prefixes: [prefix] }, steps },
    ];
  });
  const document = {
    timeZone,
    validFrom: '2026-01-01T00:00:00',
    validTo: null,
    changePolicy: 'by_start',
    zones: {},
    rules,
  };
  return { code: 'bench', versions: [{ id: '1', document }], fallbacks: {} };
}

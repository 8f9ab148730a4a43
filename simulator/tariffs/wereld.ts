/** "KPN wereld": the fallback of "KPN zakelijk flex", for far countries, world roaming and the sea. One version,
 * without zones of its own: those of the provider change under it. */
import type { TariffForm } from '../tariff-form.ts';
import { perMinute, priceIndex, steps } from './rules.ts';

const mebibyte = 1_048_576;

export function wereld(timeZone: string): TariffForm {
  const price = priceIndex(100);
  const each = { per: 1, first: 1, next: 1 };
  const prefixes = ['90', '212', '597'];
  const zones = ['world', 'sea'];
  return {
    tariff: 'kpn-wereld',
    provider: 'KPN',
    currency: 'EUR',
    timeZone,
    versions: [
      {
        validFrom: '2020-01-01T00:00:00',
        validTo: null,
        rules: [
          {
            id: 'far',
            kind: 'voice',
            match: { prefixes },
            connectFee: price(120_000),
            steps: steps(perMinute(60, 60), [0, price(650_000)]),
          },
          {
            id: 'roaming',
            kind: 'voice',
            match: { zones },
            connectFee: price(200_000),
            steps: steps(perMinute(60, 60), [0, price(1_350_000)]),
          },
          {
            id: 'roaming-near',
            kind: 'voice',
            match: { zones: ['near'] },
            steps: steps(perMinute(60, 1), [0, price(310_000)]),
          },
          { id: 'sms-near', kind: 'sms', match: { zones: ['near'] }, steps: steps(each, [0, price(90_000)]) },
          {
            id: 'data-near',
            kind: 'data',
            match: { zones: ['near'] },
            steps: steps({ per: mebibyte, first: 1024, next: 1024 }, [0, price(120_000)]),
          },
          { id: 'sms-far', kind: 'sms', match: { prefixes }, steps: steps(each, [0, price(210_000)]) },
          { id: 'sms-roaming', kind: 'sms', match: { zones }, steps: steps(each, [0, price(510_000)]) },
          {
            id: 'data-roaming',
            kind: 'data',
            match: { zones },
            steps: steps({ per: mebibyte, first: 102_400, next: 102_400 }, [0, price(5_250_000)]),
            rounding: { decimals: 3, mode: 'half-away' },
          },
        ],
      },
    ],
  };
}

/** What a preview of a small file answers, for tests of the doors. */
import type { PreviewLine } from '../../src/preview/views.ts';

export const previewLines: readonly PreviewLine[] = [
  { progress: { done: 0, total: 0 } },
  { progress: { done: 1_000, total: 2_000 } },
  {
    row: {
      ...{ subscriber: '3161234****', word: 'V', kind: 'voice', category: 'national-mobile', records: '1200' },
      ...{ unrated: '3', usage: '73000', amountE8: '1234560000', providerAmountE8: '2000000000' },
    },
  },
  {
    end: {
      ...{ file: '/data/usage.csv', bytes: 2_000, tariff: 'business', version: null, timeZone: 'Europe/Amsterdam' },
      ...{ numberMask: 4, records: 1200, duplicates: 2, unrated: 3, amountE8: '1234560000' },
      providerAmountE8: '2000000000',
      unratedReasons: [{ word: 'V', reason: 'no-rule', records: 3 }],
      keysOnDisk: false,
      faultCount: 1,
      faults: [{ offset: 1234, code: 'bad-value', field: 'usage' }],
      notes: ['allowances are not applied'],
    },
  },
];

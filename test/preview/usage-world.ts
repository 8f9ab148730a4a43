/** A provider whose files a preview can read, a tariff with two versions, and random files of that provider. */
import { seeded } from '../kernel/small-csv.ts';

const field = (to: string, from: string, as: string) => ({ to, from, as });
const common = [
  field('id', 'Id', 'text'),
  field('msisdn', 'Nummer', 'digits'),
  field('dialled', 'Gebeld', 'dialled'),
  field('start', 'Begin', 'iso'),
  field('code', 'Klasse', 'text'),
  field('amount', 'Bedrag', 'dec'),
];

export const provider = {
  syncType: 'PLAINTEL',
  chain: {
    name: 'plaintel',
    steps: [
      { name: 'bring', does: ['fetch', 'import'] },
      { name: 'totals', does: ['rate', 'totals'] },
    ],
  },
  discover: { kind: 'files', transports: ['directory'], ready: { when: 'atOnce' } },
  layout: {
    files: {
      name: '^usage_(?<account>\\d{10})_(?<month>\\d{6})\\.csv$',
      nameShown: 'usage_<account10>_<yyyymm>.csv',
      encoding: 'utf-8',
      framing: { kind: 'csv', delimiter: ';', ignore: ['Tekst'] },
      logicalKey: ['account', 'month'],
      lineErrors: { share: 0.01, below: 50 },
    },
    records: {
      types: [
        {
          name: 'call',
          kind: 'voice',
          when: { from: 'Klasse', is: ['mobiel', 'vast', 'ver'] },
          fields: [...common, field('seconds', 'Eenheden', 'int')],
        },
        {
          name: 'message',
          kind: 'sms',
          when: { from: 'Klasse', is: ['sms'] },
          fields: [...common, field('count', 'Eenheden', 'int')],
        },
        {
          name: 'session',
          kind: 'data',
          when: { from: 'Klasse', is: ['data'] },
          fields: [...common, field('octets', 'Eenheden', 'int')],
        },
      ],
      codes: {
        mobiel: { category: 'national-mobile' },
        vast: { category: 'national-fixed' },
        ver: { category: 'international' },
        sms: { category: 'sms' },
        data: { category: 'data-national' },
      },
    },
  },
};

export const layout = {
  delimiter: ';',
  columns: {
    ...{ key: 'Id', subscriber: 'Nummer', to: 'Gebeld', start: 'Begin', usage: 'Eenheden', charge: 'Bedrag' },
    kind: 'Klasse',
  },
  kinds: {
    mobiel: { kind: 'voice', category: 'national-mobile' },
    vast: { kind: 'voice', category: 'national-fixed' },
    ver: { kind: 'voice', category: 'international' },
    sms: { kind: 'sms', category: 'sms' },
    data: { kind: 'data', category: 'data-national' },
  },
};

const step = (from: number, price: string, per = 60, first = 30, next = 6) => ({ from, price, per, first, next });
const rules = (night: string) => [
  {
    id: 'mobile',
    kind: 'voice',
    match: { prefixes: ['316'] },
    connectFee: '0.05',
    steps: [step(0, night), step(60, '0.0333')],
  },
  {
    id: 'mobile-peak',
    kind: 'voice',
    match: { prefixes: ['316'] },
    active: { from: '08:00:00' },
    connectFee: '0.05',
    steps: [step(0, '0.12'), step(60, '0.0666')],
  },
  { id: 'fixed', kind: 'voice', match: { prefixes: ['31'] }, minimum: '0.02', steps: [step(0, '0.0457', 60, 60, 60)] },
  {
    id: 'helpline',
    kind: 'voice',
    match: { prefixes: ['31800'] },
    steps: [step(0, '0', 60, 1, 1)],
  },
  {
    id: 'germany',
    kind: 'voice',
    match: { prefixes: ['49'], categories: ['international'] },
    cap: { amount: '1.50', strategy: 'free' },
    steps: [step(0, '0.1999', 60, 1, 1)],
    rounding: { mode: 'up' },
  },
  { id: 'sms', kind: 'sms', match: { categories: ['sms'] }, steps: [step(0, '0.0599', 1, 1, 1)] },
  {
    id: 'data',
    kind: 'data',
    match: { categories: ['data-national'] },
    steps: [step(0, '0.0013', 1_048_576, 1024, 1024), step(50_000_000, '0.0007', 1_048_576, 1024, 1024)],
  },
];

export const tariff = {
  tariff: 'plain-business',
  provider: 'PLAINTEL',
  currency: 'EUR',
  timeZone: 'Europe/Amsterdam',
  versions: [
    {
      validFrom: '2025-01-01T00:00:00',
      validTo: '2026-03-15T12:30:00',
      changePolicy: 'split',
      rules: rules('0.0600'),
    },
    { validFrom: '2026-03-15T12:30:00', validTo: null, rules: rules('0.0713') },
  ],
};

export const header = 'Id;Nummer;Gebeld;Begin;Klasse;Eenheden;Bedrag;Tekst\n';

/** Of March 2026, both sides of the tariff's change and of the clock's; ids come again, changed or not. */
export function usageRows(seed: number, count: number): string[] {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const from = Date.parse('2026-02-28T23:00:00Z') / 1000;
  const seconds = Date.parse('2026-03-31T22:00:00Z') / 1000 - from;
  const rows: string[] = [];
  for (let id = 1; id <= count; id += 1) {
    if (id > 50 && random() < 0.02) {
      const before = rows[Math.floor(random() * rows.length)]!;
      rows.push(random() < 0.5 ? before : before.replace(/;\d+;(\d+\.\d+)/, ';77;$1'));
      continue;
    }
    const klass = pick(['mobiel', 'mobiel', 'vast', 'ver', 'sms', 'data']);
    const to = {
      mobiel: pick(['31612345678', '0687654321', '31612344999']),
      vast: pick(['31201234567', '318000432', '08000432', '1888', '112', '0', '0900', '31880123456']),
      ver: pick(['4915112345678', '4930123456', '33123456789', '0049301234']),
      sms: pick(['31612345678', '4915112345678']),
      data: '0',
    }[klass];
    const start = new Date((from + Math.floor(random() * seconds)) * 1000).toISOString().replace('.000', '');
    const most = { sms: 2, data: 90_000_000 }[klass] ?? 9_000;
    const usage = Math.floor(random() ** 4 * most) + (klass === 'sms' ? 1 : 0);
    const text = random() < 0.1 ? '"quoted; ""two""\nlines"' : 'plain';
    rows.push(
      `${id};3161000000${id % 7};${to};${start};${klass};${usage};0.${String(Math.floor(random() * 10_000)).padStart(4, '0')};${text}\n`,
    );
  }
  return rows;
}

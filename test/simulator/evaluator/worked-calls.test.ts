/** The worked calls of the specification, and the hand-computed ones that follow from its sentences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Outcome, type Rateable, type Rating, rate } from '../../../simulator/evaluator/rate.ts';
import { tariffBook } from '../../../simulator/evaluator/tariff-book.ts';
import { wallClock } from '../../../simulator/evaluator/wall-clock.ts';
import type { RuleForm, TariffForm, VersionForm } from '../../../simulator/tariff-form.ts';

const timeZone = 'Europe/Amsterdam';
const clock = wallClock(timeZone);

const peakSteps = [
  { from: 0, price: '0.12', per: 60, first: 30, next: 6 },
  { from: 60, price: '0.06', per: 60, first: 30, next: 6 },
];
const offPeakSteps = [
  { from: 0, price: '0.06', per: 60, first: 30, next: 6 },
  { from: 60, price: '0.03', per: 60, first: 30, next: 6 },
];
const mobile = { kind: 'voice', match: { prefixes: ['316'] }, connectFee: '0.05' } as const;
const worked: RuleForm[] = [
  { ...mobile, match: { prefixes: ['316'] }, id: 'peak', active: { from: '08:00:00' }, steps: peakSteps },
  { ...mobile, match: { prefixes: ['316'] }, id: 'evening', active: { from: '18:00:00' }, steps: offPeakSteps },
  { ...mobile, match: { prefixes: ['316'] }, id: 'night', active: { from: '00:00:00' }, steps: offPeakSteps },
];

function tariff(rules: RuleForm[], version: Partial<VersionForm> = {}, code = 'main'): TariffForm {
  const versions = [{ validFrom: '2026-01-01T00:00:00', validTo: null, ...version, rules }];
  return { tariff: code, provider: 'KPN', currency: 'EUR', timeZone, versions };
}

function rating(...forms: TariffForm[]): Rating {
  return { book: tariffBook(forms), clock };
}

function utc(local: string): number {
  return Temporal.ZonedDateTime.from(`${local}[${timeZone}]`).epochMilliseconds / 1000;
}

function call(local: string, usage: number, more: Partial<Rateable> = {}): Rateable {
  const to = { category: 'national-mobile', number: '31612345678', visited: '' };
  return { kind: 'voice', ...to, startS: utc(local), usage, providerAmountE8: 0n, ...more };
}

function piecesOf(outcome: Outcome): [number, number, string][] {
  assert.equal(outcome.status, 'rated');
  return outcome.status === 'rated' ? outcome.pieces.map((p) => [p.from, p.billed, p.rule.id]) : [];
}

function amountOf(outcome: Outcome): bigint {
  assert.equal(outcome.status, 'rated');
  return outcome.status === 'rated' ? outcome.amountE8 : -1n;
}

const table: [string, number, [number, number, string][], bigint][] = [
  ['2026-03-10T12:00:00', 10, [[0, 30, 'peak']], 11_000_000n],
  [
    '2026-03-10T12:00:00',
    61,
    [
      [0, 60, 'peak'],
      [60, 6, 'peak'],
    ],
    17_600_000n,
  ],
  [
    '2026-03-10T17:59:50',
    40,
    [
      [0, 30, 'peak'],
      [30, 12, 'evening'],
    ],
    12_200_000n,
  ],
  [
    '2026-03-10T23:59:30',
    61,
    [
      [0, 30, 'evening'],
      [30, 30, 'night'],
      [60, 6, 'night'],
    ],
    11_300_000n,
  ],
  ['2026-03-10T12:00:00', 0, [], 0n],
];
for (const [local, seconds, pieces, amountE8] of table) {
  test(`a call at ${local.slice(11)} of ${seconds} s has the pieces and the amount of the specification`, () => {
    const outcome = rate(rating(tariff(worked)), 'main', call(local, seconds));
    assert.deepEqual(piecesOf(outcome), pieces);
    assert.equal(amountOf(outcome), amountE8);
  });
}

test('a widened piece swallows a short piece that follows it', () => {
  const rules = [
    {
      ...worked[0]!,
      steps: [
        { from: 0, price: '0.12', per: 60, first: 60, next: 60 },
        { from: 61, price: '6', per: 60, first: 1, next: 1 },
        { from: 63, price: '0.06', per: 60, first: 1, next: 1 },
      ],
    },
  ];
  const outcome = rate(rating(tariff(rules)), 'main', call('2026-03-10T12:00:00', 130));
  // needed 61 up to the step: widened to 120, which covers the dear step from 61 to 63; then 10 s at the last price
  assert.deepEqual(piecesOf(outcome), [
    [0, 120, 'peak'],
    [120, 10, 'peak'],
  ]);
  assert.equal(amountOf(outcome), 5_000_000n + 24_000_000n + 1_000_000n);
});

const dstBands: RuleForm[] = [
  {
    ...mobile,
    match: { prefixes: ['316'] },
    id: 'night',
    connectFee: '0',
    steps: [{ from: 0, price: '0.6', per: 60, first: 1, next: 1 }],
  },
  {
    ...mobile,
    match: { prefixes: ['316'] },
    id: 'dawn',
    connectFee: '0',
    active: { from: '02:30:00' },
    steps: [{ from: 0, price: '0.06', per: 60, first: 1, next: 1 }],
  },
];

test('in spring a band from 02:30 begins at the jump to 03:00', () => {
  const outcome = rate(rating(tariff(dstBands)), 'main', call('2026-03-29T01:50:00', 1200));
  assert.deepEqual(piecesOf(outcome), [
    [0, 600, 'night'],
    [600, 600, 'dawn'],
  ]);
});

test('in autumn a band from 02:30 begins twice and ends when the clock goes back', () => {
  const outcome = rate(rating(tariff(dstBands)), 'main', call('2026-10-25T02:20:00+02:00', 7200));
  assert.deepEqual(piecesOf(outcome), [
    [0, 600, 'night'],
    [600, 1800, 'dawn'],
    [2400, 1800, 'night'],
    [4200, 3000, 'dawn'],
  ]);
});

function changing(changePolicy: 'by_start' | 'split'): TariffForm {
  const price = (text: string): RuleForm[] => [
    { ...dstBands[0]!, steps: [{ from: 0, price: text, per: 60, first: 1, next: 1 }] },
  ];
  const early = tariff(price('0.6'), { validTo: '2026-04-16T12:00:00', changePolicy }).versions;
  const late = tariff(price('0.06'), { validFrom: '2026-04-16T12:00:00', changePolicy }).versions;
  return { ...tariff([]), versions: [...early, ...late] };
}

test('a tariff change during a call counts only with the policy split', () => {
  const during = call('2026-04-16T11:59:00', 120);
  assert.equal(amountOf(rate(rating(changing('by_start')), 'main', during)), 120_000_000n);
  assert.equal(amountOf(rate(rating(changing('split')), 'main', during)), 66_000_000n);
});

test('a call that starts at the very second of a change has the new version', () => {
  assert.equal(amountOf(rate(rating(changing('by_start')), 'main', call('2026-04-16T12:00:00', 60))), 6_000_000n);
});

test('the longest prefix wins over weight, weight over the latest start, that over the order', () => {
  const step = [{ from: 0, price: '1', per: 1, first: 1, next: 1 }];
  const rule = (id: string, prefixes: string[], more: Partial<RuleForm> = {}): RuleForm => ({
    id,
    kind: 'voice',
    match: { prefixes },
    steps: step,
    ...more,
  });
  const rules = [
    rule('short', ['31'], { weight: 99 }),
    rule('first', ['316']),
    rule('second', ['316']),
    rule('later', ['316'], { active: { from: '10:00:00' } }),
    rule('heavy', ['316'], { weight: 1, active: { weekdays: ['sun'] } }),
    rule('dated', ['316'], { weight: 2, active: { months: [3], days: [24] } }),
    rule('long', ['3161', '31']),
  ];
  const at = (local: string, number = '31622222222') =>
    piecesOf(rate(rating(tariff(rules)), 'main', call(local, 1, { number })))[0]?.[2];
  assert.equal(at('2026-03-10T09:00:00'), 'first');
  assert.equal(at('2026-03-10T10:00:00'), 'later');
  assert.equal(at('2026-03-15T10:00:00'), 'heavy');
  assert.equal(at('2026-03-24T10:00:00'), 'dated');
  assert.equal(at('2026-04-24T10:00:00'), 'later');
  assert.equal(at('2026-03-10T09:00:00', '31612222222'), 'long');
  assert.equal(at('2026-03-10T09:00:00', '31201234567'), 'short');
});

test('roaming uses only rules with zones, home only rules without, and the longest zone prefix wins', () => {
  const step = [{ from: 0, price: '1', per: 1, first: 1, next: 1 }];
  const rules: RuleForm[] = [
    { id: 'home', kind: 'voice', match: { prefixes: ['31'] }, steps: step },
    { id: 'eu', kind: 'voice', match: { zones: ['eu'] }, steps: step },
    { id: 'sea', kind: 'voice', match: { zones: ['sea'] }, steps: step },
  ];
  const book = rating(tariff(rules, { zones: { eu: ['208'], sea: ['20899'] } }));
  const at = (visited: string) => rate(book, 'main', call('2026-03-10T12:00:00', 1, { visited }));
  assert.equal(piecesOf(at('20801'))[0]?.[2], 'eu');
  assert.equal(piecesOf(at('20899'))[0]?.[2], 'sea');
  assert.equal(piecesOf(at(''))[0]?.[2], 'home');
  assert.deepEqual(at('310410'), { status: 'unrated', reason: 'no-rule' });
});

test('the fallback tariff is asked only when no rule matches at all', () => {
  const step = [{ from: 0, price: '1', per: 1, first: 1, next: 1 }];
  const daytime: RuleForm = {
    id: 'day',
    kind: 'voice',
    match: { prefixes: ['316'] },
    active: { from: '08:00:00' },
    steps: step,
  };
  const other: RuleForm = { id: 'other', kind: 'voice', match: { prefixes: ['316', '90'] }, steps: step };
  const book = rating(tariff([daytime], { fallback: 'far' }), tariff([other], {}, 'far'));
  const to = (number: string, local: string) => rate(book, 'main', call(local, 1, { number }));
  assert.equal(piecesOf(to('905321234567', '2026-03-10T07:00:00'))[0]?.[2], 'other');
  assert.deepEqual(to('31612345678', '2026-03-10T07:00:00'), { status: 'unrated', reason: 'no-rule' });
});

test('what has no version, no rule at some piece, or no known call code is unrated and says why', () => {
  const book = rating(tariff(worked.slice(0, 1)));
  assert.deepEqual(rate(book, 'main', call('2025-12-31T23:59:59', 1)), {
    status: 'unrated',
    reason: 'no-tariff-version',
  });
  assert.deepEqual(rate(book, 'main', call('2026-03-10T23:59:00', 120)), { status: 'unrated', reason: 'no-rule' });
  assert.deepEqual(rate(book, 'main', call('2026-03-10T12:00:00', 9, { category: 'unknown' })), {
    status: 'unrated',
    reason: 'unknown-call-code',
  });
});

test('messages and octets are split by steps only, and rounded once', () => {
  const data: RuleForm = {
    id: 'd',
    kind: 'data',
    match: { categories: ['data-national'] },
    steps: [
      { from: 0, price: '0.0125', per: 100, first: 10, next: 10 },
      { from: 50, price: '0.01', per: 100, first: 1, next: 1 },
    ],
  };
  const record = (usage: number) =>
    call('2026-03-10T23:59:59', usage, { kind: 'data', category: 'data-national', number: '' });
  const book = rating(tariff([data]));
  assert.equal(amountOf(rate(book, 'main', record(50))), 630_000n); // 0.00625, half away from zero
  assert.equal(amountOf(rate(book, 'main', record(51))), 640_000n); // 0.00625 + 0.0001
  assert.equal(amountOf(rate(book, 'main', record(1))), 130_000n); // 10 octets, 0.00125
});

test('a fee or credit amounts to what the provider says', () => {
  const credit = call('2026-03-10T00:00:00', 1, {
    kind: 'credit',
    category: 'credit',
    number: '',
    providerAmountE8: -12_340_000n,
  });
  assert.equal(amountOf(rate(rating(tariff([])), 'main', credit)), -12_340_000n);
});

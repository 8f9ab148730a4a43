import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Call, rateWith, rule, shortPieces, version, workedRules } from './worked-tariff.ts';

const worked = { versions: [version(workedRules)] };

describe('the worked calls of the domain page', () => {
  const calls: [name: string, call: Call, pieces: [number, number, number, string][], amountE8: number][] = [
    ['10 s at noon', { start: '2026-03-02T12:00:00', usage: 10 }, [[0, 30, 12, 'peak']], 11_000_000],
    [
      '61 s at noon pass the step at 60 s',
      { start: '2026-03-02T12:00:00', usage: 61 },
      [
        [0, 60, 12, 'peak'],
        [60, 6, 6, 'peak'],
      ],
      17_600_000,
    ],
    [
      '40 s from 17:59:50: the first increment covers 18:00, the rest is off-peak',
      { start: '2026-03-02T17:59:50', usage: 40 },
      [
        [0, 30, 12, 'peak'],
        [30, 12, 6, 'evening'],
      ],
      12_200_000,
    ],
    [
      '61 s from 23:59:30 end a piece at midnight',
      { start: '2026-03-02T23:59:30', usage: 61 },
      [
        [0, 30, 6, 'evening'],
        [30, 30, 6, 'night'],
        [60, 6, 3, 'night'],
      ],
      11_300_000,
    ],
    ['0 s: not answered, not billed', { start: '2026-03-02T12:00:00', usage: 0 }, [], 0],
  ];
  for (const [name, call, pieces, amountE8] of calls) {
    it(name, () => {
      const rated = rateWith(worked, call);
      assert.equal(rated.status, 'rated');
      assert.deepEqual(shortPieces(rated), pieces);
      assert.equal(rated.amountE8, amountE8);
      assert.equal(
        rated.billedUsage,
        pieces.reduce((sum, piece) => sum + piece[1], 0),
      );
    });
  }
});

describe('local midnight', () => {
  it('begins a piece even when one rule holds on both days', () => {
    const steps = [{ from: 0, price: '0.60', per: 60, first: 60, next: 60 }];
    const bundle = { versions: [version([rule('flat', { steps })])] };
    const rated = rateWith(bundle, { start: '2026-03-02T23:58:30', usage: 100 });
    assert.deepEqual(shortPieces(rated), [[0, 120, 60, 'flat']]);
    const longer = rateWith(bundle, { start: '2026-03-02T23:58:59', usage: 180 });
    assert.deepEqual(shortPieces(longer), [
      [0, 120, 60, 'flat'],
      [120, 60, 60, 'flat'],
    ]);
  });

  it('is the date change of the local clock, also on the days of a DST change', () => {
    for (const start of ['2026-03-29T23:59:50', '2026-10-24T23:59:50', '2026-10-25T23:59:50']) {
      const bundle = { versions: [version([rule('flat')])] };
      assert.deepEqual(shortPieces(rateWith(bundle, { start, usage: 25 })), [
        [0, 10, 10, 'flat'],
        [10, 15, 10, 'flat'],
      ]);
    }
  });
});

describe('bands over a DST change', () => {
  const bundle = {
    versions: [
      version([
        rule('early'),
        rule('from-two', { active: { from: '02:00:00' } }),
        rule('from-three', { active: { from: '03:00:00' } }),
      ]),
    ],
  };

  it('skip the hour that does not exist in March', () => {
    const rated = rateWith(bundle, { start: '2026-03-29T01:59:50', usage: 20 });
    assert.deepEqual(shortPieces(rated), [
      [0, 10, 10, 'early'],
      [10, 10, 10, 'from-three'],
    ]);
  });

  it('come back to the repeated hour in October', () => {
    const rated = rateWith(bundle, { start: '2026-10-25T01:59:50', usage: 7240 });
    assert.deepEqual(shortPieces(rated), [
      [0, 10, 10, 'early'],
      [10, 7200, 10, 'from-two'],
      [7210, 30, 10, 'from-three'],
    ]);
  });

  it('follow the second pass when the provider says winter time', () => {
    const start = '2026-10-25T02:59:50';
    assert.deepEqual(shortPieces(rateWith(bundle, { start, dst: 'W', usage: 20 })), [
      [0, 10, 10, 'from-two'],
      [10, 10, 10, 'from-three'],
    ]);
    assert.deepEqual(shortPieces(rateWith(bundle, { start, dst: 'S', usage: 20 })), [[0, 20, 10, 'from-two']]);
  });
});

describe('a version change during a call', () => {
  const change = '2026-04-16T00:00:00';
  const versions = (changePolicy: 'by_start' | 'split') => [
    version([rule('old')], { validTo: change, changePolicy }),
    version([rule('new', { steps: [{ from: 0, price: '0.20', per: 60, first: 1, next: 1 }] })], { validFrom: change }),
  ];
  const call = { start: '2026-04-15T23:59:30', usage: 60 };

  it('by_start keeps the version of the start', () => {
    const rated = rateWith({ versions: versions('by_start') }, call);
    assert.deepEqual([rated.version, rated.amountE8], [0, 10_000_000]);
  });

  it('split continues in the new version', () => {
    const rated = rateWith({ versions: versions('split') }, call);
    assert.deepEqual(shortPieces(rated), [
      [0, 30, 10, 'old'],
      [30, 30, 20, 'new'],
    ]);
    assert.deepEqual([rated.version, rated.amountE8], [0, 15_000_000]);
  });

  it('takes the later version from its very first second', () => {
    assert.equal(rateWith({ versions: versions('split') }, { start: '2026-04-15T23:59:59', usage: 1 }).version, 0);
    assert.equal(rateWith({ versions: versions('split') }, { start: change, usage: 1 }).version, 1);
  });

  it('split at a change in the repeated hour, with a band that comes twice that night', () => {
    const steps = (price: string) => [{ from: 0, price, per: 60, first: 1, next: 1 }];
    const october = '2026-10-25T02:30:00';
    const changed = [
      version([rule('old')], { validTo: october, changePolicy: 'split' }),
      version(
        [rule('new', { steps: steps('0.20') }), rule('band', { active: { from: '02:45:00' }, steps: steps('0.30') })],
        {
          validFrom: october,
        },
      ),
    ];
    const night = { start: '2026-10-25T02:29:30', dst: 'S' as const, usage: 5430 };
    assert.deepEqual(shortPieces(rateWith({ versions: changed }, night)), [
      [0, 30, 10, 'old'],
      [30, 900, 20, 'new'],
      [930, 900, 30, 'band'],
      [1830, 2700, 20, 'new'],
      [4530, 900, 30, 'band'],
    ]);
    const [first, second] = changed;
    const byStart = [{ ...first!, changePolicy: 'by_start' as const }, second!];
    assert.deepEqual(shortPieces(rateWith({ versions: byStart }, night)), [[0, 5430, 10, 'old']]);
  });

  it('follow the fallback tariff over its own change only with split', () => {
    const at = '2026-03-02T12:00:30';
    const steps = [{ from: 0, price: '6', per: 60, first: 1, next: 1 }];
    const base = [version([rule('old')], { validTo: at }), version([rule('new', { steps })], { validFrom: at })];
    const rated = (changePolicy: 'by_start' | 'split') => {
      const versions = [version([rule('other', { match: { prefixes: ['49'] } })], { fallback: 'base', changePolicy })];
      return shortPieces(rateWith({ versions, fallbacks: { base } }, { start: '2026-03-02T12:00:00', usage: 61 }));
    };
    assert.deepEqual(rated('by_start'), [[0, 61, 10, 'base/old']]);
    assert.deepEqual(rated('split'), [
      [0, 30, 10, 'base/old'],
      [30, 31, 600, 'base/new'],
    ]);
  });

  it('split into a gap between versions is unrated, not cheap', () => {
    const rated = rateWith({ versions: [versions('split')[0]!] }, call);
    assert.deepEqual([rated.status, rated.reason, rated.amountE8, rated.pieces.length], ['unrated', 'no-rule', 0, 0]);
  });
});

describe('what cannot be rated is unrated with a reason', () => {
  const unrated: [name: string, call: Call, reason: string][] = [
    ['an unknown call code', { start: '2026-03-02T12:00:00', category: 'unknown' }, 'unknown-call-code'],
    ['a start before the first version', { start: '2025-12-31T23:59:59' }, 'no-tariff-version'],
    ['a destination without rule', { start: '2026-03-02T12:00:00', prefix: '4912' }, 'no-rule'],
    ['a kind without rule', { start: '2026-03-02T12:00:00', kind: 'sms' }, 'no-rule'],
    ['roaming when only home rules exist', { start: '2026-03-02T12:00:00', visited: '20801' }, 'no-rule'],
    ['a usage that is not whole', { start: '2026-03-02T12:00:00', usage: 1.5 }, 'bad-usage'],
  ];
  for (const [name, call, reason] of unrated) {
    it(name, () => {
      const rated = rateWith(worked, call);
      assert.deepEqual([rated.status, rated.reason, rated.amountE8], ['unrated', reason, 0]);
    });
  }

  it('an amount beyond 2^53', () => {
    const steps = [{ from: 0, price: '1000', per: 1, first: 1, next: 1 }];
    const bundle = { versions: [version([rule('dear', { steps })])] };
    assert.equal(rateWith(bundle, { start: '2026-03-02T12:00:00', usage: 90_000 }).amountE8, 9_000_000_000_000_000);
    assert.equal(rateWith(bundle, { start: '2026-03-02T12:00:00', usage: 100_000 }).reason, 'amount-too-large');
  });

  it('a call into hours in which none of its candidates is active, also when an increment covers them', () => {
    const weekend = rule('weekend', {
      active: { weekdays: ['sat', 'sun'] },
      steps: [{ from: 0, price: '0.10', per: 60, first: 60, next: 60 }],
    });
    const bundle = { versions: [version([weekend, rule('any', { match: { prefixes: ['31'] } })])] };
    assert.equal(rateWith(bundle, { start: '2026-03-08T23:59:00', usage: 60 }).rule, 'weekend');
    assert.equal(rateWith(bundle, { start: '2026-03-08T23:59:00', usage: 61 }).reason, 'no-rule');
    assert.equal(rateWith(bundle, { start: '2026-03-08T23:59:30', usage: 31 }).reason, 'no-rule');
  });
});

describe('the rule of a record', () => {
  const zones = { eu: ['208', '262'], monaco: ['20810'] };
  const bundle = {
    versions: [
      version(
        [
          rule('any-dutch', { match: { prefixes: ['31'] } }),
          rule('mobile', { match: { prefixes: ['316', '3197'] } }),
          rule('voicemail', { match: { prefixes: ['316'], categories: ['voicemail'] }, weight: 5 }),
          rule('roaming', { match: { zones: ['eu'] } }),
          rule('roaming-home', { match: { zones: ['eu'], prefixes: ['31'] } }),
          rule('monaco', { match: { zones: ['monaco'] } }),
          rule('premium', { match: { categories: ['premium'] } }),
        ],
        { zones, fallback: 'base' },
      ),
    ],
    fallbacks: { base: [version([rule('rest', { match: { categories: ['international'] } })])] },
  };
  const cases: [name: string, fields: Partial<Call>, expected: string | null][] = [
    ['is the one with the longest prefix', { prefix: '3161' }, 'mobile'],
    ['falls to a shorter prefix', { prefix: '3120' }, 'any-dutch'],
    ['has the highest weight among equal prefixes', { prefix: '3161', category: 'voicemail' }, 'voicemail'],
    ['comes from the visited zone when roaming', { prefix: '44', visited: '20801' }, 'roaming'],
    ['comes from zone and prefix when roaming', { prefix: '3161', visited: '262' }, 'roaming-home'],
    ['takes the longest network of all zones', { prefix: '3161', visited: '20810' }, 'monaco'],
    ['counts no prefix as the shortest', { prefix: '3190', category: 'premium' }, 'any-dutch'],
    ['matches on category alone', { prefix: '', category: 'premium' }, 'premium'],
    ['comes from the fallback tariff when nothing matches', { prefix: '49', category: 'international' }, 'base/rest'],
    ['is none when the fallback has none either', { prefix: '49' }, null],
  ];
  for (const [name, fields, expected] of cases) {
    it(name, () => assert.equal(rateWith(bundle, { start: '2026-03-02T12:00:00', ...fields }).rule, expected));
  }

  it('is the latest start, then the first in the document', () => {
    const noon = { active: { from: '12:00:00' } };
    const both = { versions: [version([rule('day'), rule('noon', noon), rule('noon-too', noon)])] };
    assert.equal(rateWith(both, { start: '2026-03-02T11:59:59', usage: 1 }).rule, 'day');
    assert.equal(rateWith(both, { start: '2026-03-02T12:00:00', usage: 1 }).rule, 'noon');
  });

  it('is bound to months, days and weekdays', () => {
    const special = rule('special', { active: { months: [3, 12], days: [1, 31], weekdays: ['tue'] }, weight: 1 });
    const bound = { versions: [version([rule('plain'), special])] };
    assert.equal(rateWith(bound, { start: '2026-03-31T12:00:00', usage: 1 }).rule, 'special');
    assert.equal(rateWith(bound, { start: '2026-03-01T12:00:00', usage: 1 }).rule, 'plain');
    assert.equal(rateWith(bound, { start: '2026-03-24T12:00:00', usage: 1 }).rule, 'plain');
    assert.equal(rateWith(bound, { start: '2026-06-30T12:00:00', usage: 1 }).rule, 'plain');
  });
});

describe('other kinds', () => {
  it('take the amount that the provider states for recurring, one-off and credit', () => {
    for (const kind of ['recurring', 'oneoff', 'credit'] as const) {
      const call = { start: '2026-03-02T00:00:00', kind, category: kind, usage: 1, providerAmountE8: -1_234_500_000 };
      const rated = rateWith(worked, call);
      assert.deepEqual([rated.status, rated.amountE8, rated.rule], ['rated', -1_234_500_000, null]);
    }
  });

  it('split data by step only, whatever the clock does', () => {
    const mebibyte = 2 ** 20;
    const steps = [
      { from: 0, price: '0.10', per: mebibyte, first: 1024, next: 1024 },
      { from: mebibyte, price: '0.01', per: mebibyte, first: 1024, next: 1024 },
    ];
    const data = rule('data', { kind: 'data', match: { categories: ['data-national'] }, steps, connectFee: '0.01' });
    const call = { start: '2026-03-02T23:59:59', kind: 'data', category: 'data-national', prefix: '' } as const;
    const rated = rateWith({ versions: [version([data])] }, { ...call, usage: mebibyte + 1 });
    assert.deepEqual(shortPieces(rated), [
      [0, mebibyte, 10, 'data'],
      [mebibyte, 1024, 1, 'data'],
    ]);
    // 0.01 + 0.10 + 0.01 / 1024 = 0.110009765625
    assert.equal(rated.amountE8, 11_000_000);
  });
});

describe('the one rounding per record', () => {
  const amount = (rounding: { decimals?: number; mode?: 'half-away' | 'up' }, usage: number): number => {
    const steps = [{ from: 0, price: '0.0001', per: 60, first: 1, next: 1 }];
    const bundle = { versions: [version([rule('tiny', { steps, rounding })])] };
    return rateWith(bundle, { start: '2026-03-02T12:00:00', usage }).amountE8;
  };
  it('is to 4 decimals, half away from zero', () => {
    assert.deepEqual(
      [29, 30, 31, 89, 90].map((usage) => amount({}, usage)),
      [0, 10_000, 10_000, 10_000, 20_000],
    );
  });
  it('goes up when the rule says so', () => {
    assert.deepEqual(
      [1, 60, 61].map((usage) => amount({ mode: 'up' }, usage)),
      [10_000, 10_000, 20_000],
    );
  });
  it('goes to the decimals that the rule names', () => {
    assert.equal(amount({ decimals: 6 }, 1), 200);
    assert.equal(amount({ decimals: 8 }, 1), 167);
    assert.equal(amount({ decimals: 0, mode: 'up' }, 1), 100_000_000);
  });
});

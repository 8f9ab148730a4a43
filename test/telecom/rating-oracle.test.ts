/** Property: the computed boundaries give what a walk over every second gives, for random tariffs and calls. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { Allowance } from '../../src/telecom/allowance.ts';
import { createAllowanceBook } from '../../src/telecom/allowance-book.ts';
import { parseLocalMs } from '../../src/telecom/civil-date.ts';
import { compileTariff } from '../../src/telecom/compile-tariff.ts';
import { createRater } from '../../src/telecom/rating.ts';
import type { RateableRecord } from '../../src/telecom/record.ts';
import type { RuleDocument, VersionDocument } from '../../src/telecom/tariff-schema.ts';
import type { ZoneSet } from '../../src/telecom/zone-document.ts';
import { slowLedger } from './slow-allowances.ts';
import { type Cover, slowRate, type ZoneSets } from './slow-oracle.ts';
import { amsterdam } from './worked-tariff.ts';

const change = '2026-04-16T10:00:00';
const fallbackChange = '2026-10-25T02:30:00';

const list = <T>(...values: T[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 }), { nil: undefined });
const orNothing = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const steps = fc.uniqueArray(fc.constantFrom(1, 7, 30, 59, 60, 61, 120, 300), { maxLength: 3 }).chain((froms) =>
  fc.tuple(
    ...[0, ...froms.sort((a, b) => a - b)].map((from) =>
      fc.record({
        from: fc.constant(from),
        price: fc.constantFrom('0', '0.01', '0.12', '0.06', '0.1234', '0.00000007', '999.99999999'),
        per: fc.constantFrom(60, 60, 60, 1, 7, 3600),
        first: fc.constantFrom(1, 6, 30, 60, 90),
        next: fc.constantFrom(1, 6, 10, 60),
      }),
    ),
  ),
);

const rule = fc.record({
  kind: fc.constantFrom('voice', 'voice', 'voice', 'sms', 'data'),
  match: fc.record({
    prefixes: fc.option(fc.subarray(['3', '31', '316', '3161', '32'], { minLength: 1 }), { nil: undefined, freq: 4 }),
    zones: fc.option(fc.subarray(['eu', 'world'], { minLength: 1 }), { nil: undefined, freq: 1 }),
    categories: list('national-mobile', 'voicemail'),
  }),
  active: orNothing(
    fc.record({
      months: fc.constantFrom(undefined, undefined, undefined, [3, 10], [4]),
      days: fc.constantFrom(undefined, undefined, undefined, [29, 15, 25], [16, 26, 30]),
      weekdays: list('sun', 'mon', 'wed', 'thu'),
      from: fc.constantFrom(
        undefined,
        '00:00:00',
        '00:00:20',
        '01:59:50',
        '02:00:10',
        '02:30:00',
        '03:00:00',
        '10:00:30',
      ),
    }),
  ),
  weight: fc.constantFrom(undefined, 0, 1, -1),
  connectFee: fc.constantFrom(undefined, '0.05', '0.00000001'),
  minimum: fc.constantFrom(undefined, undefined, undefined, '0.07', '0.12345678'),
  cap: fc.constantFrom(
    undefined,
    undefined,
    undefined,
    { amount: '0.2', strategy: 'free' },
    { amount: '0.23456789', strategy: 'disconnect' },
  ),
  steps,
  rounding: orNothing(
    fc.record({
      decimals: orNothing(fc.constantFrom(0, 2, 4, 6, 8)),
      mode: list<'half-away' | 'up'>('half-away', 'up').map((m) => m?.[0]),
    }),
  ),
});

/** Three of four rule sets have, beside each timed rule, one for the rest of the day, or most calls would be unrated. */
const rules = fc
  .tuple(
    fc.array(rule, { minLength: 1, maxLength: 9 }),
    fc.constantFrom(true, true, true, false),
    fc.array(steps, { minLength: 9, maxLength: 9 }),
  )
  .map(([found, whole, otherSteps]) => {
    const timed = found.map((each, i) => ({ ...each, id: `r${i}` }));
    const rest = found.map((each, i) => ({
      ...each,
      id: `rest${i}`,
      active: undefined,
      weight: -1,
      steps: otherSteps[i],
    }));
    const every = ['voice', 'sms', 'data'].flatMap((kind, i) => [
      { id: `home-${kind}`, kind, match: { prefixes: ['31'] }, weight: -2, steps: otherSteps[i] },
      { id: `away-${kind}`, kind, match: { zones: ['eu', 'world'] }, weight: -2, steps: otherSteps[i + 3] },
    ]);
    return (whole ? [...timed, ...rest, ...every] : timed) as unknown as RuleDocument[];
  });

const body = fc.record({
  changePolicy: fc.constantFrom('by_start', 'split', undefined),
  fallback: fc.constantFrom(undefined, 'base', 'missing'),
  zones: fc.constantFrom(undefined, undefined, { eu: ['208', '20801'], world: ['310', '20810'] }),
  rules,
});

const ranges: [string, string | null][][] = [
  [['2026-01-01T00:00:00', null]],
  [
    ['2026-01-01T00:00:00', change],
    [change, null],
  ],
  [
    ['2026-01-01T00:00:00', change],
    ['2026-04-16T10:00:20', fallbackChange],
  ],
  [
    ['2026-03-29T02:30:00', fallbackChange],
    [fallbackChange, null],
  ],
];
const versionsOf = fc
  .constantFrom(...ranges)
  .chain((range) =>
    fc.tuple(
      ...range.map(([validFrom, validTo]) =>
        body.map((found) => ({ ...found, validFrom, validTo }) as unknown as VersionDocument),
      ),
    ),
  );

/** Places where rules can change: DST in March and October, midnights, the version change. */
const borders = [
  '2026-03-29T01:59:59',
  '2026-03-29T00:00:00',
  '2026-03-30T00:00:00',
  '2026-10-25T01:59:59',
  '2026-10-25T02:30:00',
  '2026-10-25T03:00:00',
  '2026-10-25T00:00:00',
  '2026-10-26T00:00:00',
  change,
  '2026-04-15T00:00:00',
  '2026-04-01T00:00:00',
].map((local) => amsterdam.toInstant(parseLocalMs(local), '').utcMs);

const call = fc.record({
  kind: fc.constantFrom<RateableRecord['kind']>('voice', 'voice', 'voice', 'voice', 'sms', 'data'),
  category: fc.constantFrom('national-mobile', 'national-mobile', 'voicemail', 'premium'),
  prefix: fc.constantFrom('3161234', '3161234', '31', '3216', '49', ''),
  visited: fc.constantFrom('', '', '', '20801', '20810', '310', '999'),
  startMs: fc.tuple(fc.constantFrom(...borders), fc.integer({ min: -200, max: 20 })).map(([ms, s]) => ms + s * 1000),
  usage: fc.oneof(
    { arbitrary: fc.integer({ min: 1, max: 330 }), weight: 12 },
    { arbitrary: fc.constantFrom(1, 3700, 7300), weight: 1 },
  ),
  providerAmountE8: fc.constant(0),
});

/** The visited networks change their zones on one of the borders; the last one is in a zone only from then on. */
const sets: ZoneSets = [
  { from: '2026-01-01T00:00:00', zones: { eu: ['208', '20801'], world: ['310', '20810'] } },
  { from: change, zones: { world: ['208'], eu: ['310', '999'] } },
];
const compiledSets: ZoneSet[] = sets.map(({ from, zones }, i) => ({
  validFromMs: amsterdam.toInstant(parseLocalMs(from), '').utcMs,
  validToMs: i + 1 < sets.length ? amsterdam.toInstant(parseLocalMs(sets[i + 1]!.from), '').utcMs : null,
  zones,
}));

const subscribers = ['31600000001', '31600000002'];
/** In 2026 a price of 4e-8 EUR leaves 2 x 4e-8 / 1.10 GB: 72 octets. */
const fairLimit = 72;
const zoneSets = { t: compiledSets, base: compiledSets };
const fairUse = { monthlyPriceE8: 4, zones: ['eu'] };
const allowance = fc.record({
  kind: fc.constantFrom('voice', 'voice', 'voice', 'sms', 'data'),
  amount: fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constantFrom(60, 3000)),
  shared: fc.boolean(),
  msisdn: fc.constantFrom(null, null, ...subscribers),
  priority: fc.constantFrom(0, 0, 0, 1, -1),
  increment: fc.constantFrom(null, null, 1, 7, 60),
  categories: fc.constantFrom(['national-mobile'], ['national-mobile', 'voicemail', 'premium']),
  zones: fc.constantFrom(['home'], ['home', 'eu'], ['eu', 'world']),
  validFrom: fc.constant(null),
  validTo: fc.constant(null),
  isFair: fc.boolean(),
});
const allowances = fc.array(allowance, { maxLength: 4 }).map((list) =>
  list.map(({ isFair, ...found }, i): Allowance => {
    const kind = found.kind as Allowance['kind'];
    const shared = found.shared && found.msisdn === null;
    const fair = isFair && kind === 'data' && (found.zones as readonly string[]).includes('eu');
    return { ...found, kind, shared, id: `${i}`, name: `a${i}`, fairUse: fair ? fairUse : null };
  }),
);

const stored = (versions: readonly VersionDocument[]) => versions.map((document, i) => ({ id: `${i}`, document }));

it('rates as a walk over every second does', () => {
  const seen = { rated: 0, unrated: 0, pieces: 0, covered: 0, partly: 0, minimum: 0, cap: 0, fair: 0 };
  const property = fc.property(
    versionsOf,
    versionsOf,
    fc.array(fc.tuple(call, fc.constantFrom(...subscribers)), { minLength: 6, maxLength: 6 }),
    allowances,
    (versions, base, calls, bundles) => {
      const fallbacks = { base };
      const bundle = { code: 't', versions: stored(versions), fallbacks: { base: stored(base) }, zoneSets };
      const book = createAllowanceBook(bundles, '2026-03-01', amsterdam);
      const rater = createRater(compileTariff(bundle, 'Europe/Amsterdam'), book);
      const limits = bundles.map(({ id, fairUse: fair }) => [id, fair === null ? Infinity : fairLimit] as const);
      const ledger = slowLedger(bundles, Object.fromEntries(limits));
      for (const [record, msisdn] of calls) {
        const cover: Cover = (zone, widened) => ledger.cover(record, msisdn, zone, widened);
        const expected = slowRate(versions, fallbacks, record, sets, cover);
        const rated = rater.rate(record, msisdn);
        if (rated.coveredUsage > 0) seen[rated.coveredUsage === rated.billedUsage ? 'covered' : 'partly'] += 1;
        if (rated.limit !== null) seen[rated.limit] += 1;
        seen[expected.status] += 1;
        seen.pieces += expected.pieces.length;
        assert.deepEqual(
          {
            status: rated.status,
            reason: rated.reason,
            amountE8: BigInt(rated.amountE8),
            billed: rated.billedUsage,
            covered: rated.coveredUsage,
            pieces: rated.pieces.map((p) => `${p.from}+${p.billed} ${p.rule.replace('base/', '')}`),
          },
          expected,
        );
      }
      seen.fair += book.states().filter((state) => state.fairUseUsed === fairLimit).length;
    },
  );
  fc.assert(property, { numRuns: 1200, seed: 7 });
  // The cases must be worth something: enough of them rated, and in several pieces.
  assert.ok(seen.rated > 2500 && seen.pieces > seen.rated * 1.5, JSON.stringify(seen));
  const { covered, partly, minimum, cap, fair } = seen;
  assert.ok(Math.min(covered, partly, minimum, cap) > 100 && fair > 5, JSON.stringify(seen));
});

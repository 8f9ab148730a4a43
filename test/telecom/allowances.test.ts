/** The sentences of docs/tariff.md about allowances, minimum and cap, one call at a time; random worlds are in rating-oracle. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Allowance } from '../../src/telecom/allowance.ts';
import { createAllowanceBook } from '../../src/telecom/allowance-book.ts';
import { compileTariff } from '../../src/telecom/compile-tariff.ts';
import { createRater } from '../../src/telecom/rating.ts';
import type { VersionDocument } from '../../src/telecom/tariff-schema.ts';
import { amsterdam, type Call, recordOf, rule, version, workedRules } from './worked-tariff.ts';

const megabyte = 1_000_000;

function allowance(changes: Partial<Allowance>): Allowance {
  return {
    id: 'a',
    name: 'bundle',
    kind: 'voice',
    amount: 20,
    shared: true,
    msisdn: null,
    priority: 0,
    increment: null,
    categories: ['national-mobile'],
    zones: ['home'],
    validFrom: null,
    validTo: null,
    fairUse: null,
    ...changes,
  };
}

const noon = '2026-03-02T12:00:00';

/** Amount in 1e-4 EUR, what each allowance gave, and the limit, per call. */
function rateAll(allowances: Allowance[], calls: (Partial<Call> & { from?: string })[], document?: VersionDocument) {
  const rows = [{ id: 'v', document: document ?? version(workedRules) }];
  const compiled = compileTariff({ code: 't', versions: rows, fallbacks: {} }, 'Europe/Amsterdam');
  const book = createAllowanceBook(allowances, '2026-03-01', amsterdam);
  const rater = createRater(compiled, book);
  const rated = calls.map(({ from, ...call }) => {
    const result = rater.rate(recordOf({ start: noon, usage: 25, ...call }), from ?? '31687654321');
    const took = result.allowances.map(({ allowance: of, used }) => `${of.id} ${used}`).join(', ');
    const amount = result.status === 'rated' ? result.amountE8 / 10_000 : result.reason;
    return [
      amount,
      took,
      ...(result.limit === null ? [] : [result.limit]),
      ...((result.finding ?? '') ? [result.finding] : []),
    ];
  });
  return { rated, states: book.states() };
}

describe('allowances', () => {
  it('are taken again as they were stored, whatever was changed in them since', () => {
    const compiled = compileTariff(
      { code: 't', versions: [{ id: 'v', document: version(workedRules) }], fallbacks: {} },
      'Europe/Amsterdam',
    );
    const changed = { categories: ['sms'], zones: ['eu'], validTo: '2026-01-01', amount: 1 };
    const book = createAllowanceBook([allowance(changed), allowance({ id: 'b' })], '2026-03-01', amsterdam);
    const rater = createRater(compiled, book);
    book.leave('31687654321', { a: 20 });
    const rated = rater.rate(recordOf({ start: noon, usage: 25 }), '31687654321');
    assert.deepEqual([rated.amountE8, rated.coveredUsage], [7_000_000, 20]);
  });

  it('cover the beginning of the widened usage and leave the connect fee: 25 s with 20 s left cost 0.07', () => {
    assert.deepEqual(rateAll([allowance({})], [{}, {}]).rated, [
      [700, 'a 20'],
      [1100, ''],
    ]);
  });

  it('waive the connect fee only when they cover the whole widened call', () => {
    const { rated, states } = rateAll([allowance({ amount: 59 })], [{}, {}]);
    assert.deepEqual(rated, [
      [0, 'a 30'],
      [520, 'a 29'],
    ]);
    assert.deepEqual(states, [{ id: 'a', msisdn: '', amount: 59, used: 59, fairUseLimit: null, fairUseUsed: 0 }]);
  });

  it('do not move the steps: what follows 60 covered seconds is at the second step', () => {
    assert.deepEqual(rateAll([allowance({ amount: 60 })], [{ usage: 61 }]).rated, [[560, 'a 60']]);
  });

  it('are shared by all, of each subscription, or of one', () => {
    const calls = [{ from: '31600000001' }, { from: '31600000002' }];
    const amounts = (changes: Partial<Allowance>) =>
      rateAll([allowance({ amount: 30, ...changes })], calls).rated.map(([amount]) => amount);
    assert.deepEqual(amounts({ shared: true }), [0, 1100]);
    assert.deepEqual(amounts({ shared: false }), [0, 0]);
    assert.deepEqual(amounts({ shared: false, msisdn: '31600000002' }), [1100, 0]);
  });

  it('go by priority, then the own one first, then by name; one may finish what another began', () => {
    const list = [
      allowance({ id: 'low', priority: -1 }),
      allowance({ id: 'b', name: 'b', amount: 5 }),
      allowance({ id: 'own', name: 'z', msisdn: '31687654321', shared: false, amount: 4 }),
      allowance({ id: 'high', priority: 9, amount: 3 }),
    ];
    assert.deepEqual(rateAll(list, [{}]).rated, [[0, 'high 3, own 4, b 5, low 18']]);
  });

  it('count in an increment of their own on the usage that was made, and then cover the whole call', () => {
    assert.deepEqual(rateAll([allowance({ amount: 200, increment: 60 })], [{ usage: 61 }, { usage: 61 }]).rated, [
      [0, 'a 120'],
      [0, 'a 80'],
    ]);
    // second 0 to 20 from the bundle, 20 to 30 of the first increment at the price
    assert.deepEqual(rateAll([allowance({ amount: 20, increment: 1 })], [{}]).rated, [[700, 'a 20']]);
    const both = [
      allowance({ id: 'first', amount: 27, priority: 1 }),
      allowance({ id: 'own', amount: 9, increment: 1 }),
    ];
    assert.deepEqual(rateAll(both, [{}]).rated, [[0, 'first 27, own 3']]);
  });

  it('count by category, zone, kind and date of the start', () => {
    const took = (changes: Partial<Allowance>, call: Partial<Call> = {}) =>
      rateAll([allowance({ amount: 600, ...changes })], [call]).rated[0]![1];
    assert.equal(took({}, { category: 'voicemail' }), '');
    assert.equal(took({ kind: 'sms' }), '');
    assert.equal(took({ validFrom: '2026-03-02' }), 'a 30');
    assert.equal(took({ validFrom: '2026-03-03' }), '');
    assert.equal(took({ validTo: '2026-03-02' }), '');
    assert.equal(took({ validTo: '2026-03-03' }, { start: '2026-03-02T23:59:59' }), 'a 30');
  });

  it('give nothing to a record that is not rated, and keep it for the next', () => {
    const free = version([rule('only-mobile')]);
    assert.deepEqual(rateAll([allowance({})], [{ prefix: '3120' }, {}], free).rated, [
      ['no-rule', ''],
      [83, 'a 20'],
    ]);
  });
});

describe('roaming in a bundle', () => {
  const step = { from: 0, price: '0.0013', per: megabyte, first: 1, next: 1 };
  const data = version(
    [
      rule('home', { kind: 'data', match: { categories: ['data-national'] }, steps: [step] }),
      rule('eu', { kind: 'data', match: { zones: ['eu'] }, steps: [step] }),
      rule('eu-calls', { match: { zones: ['eu'] } }),
    ],
    { zones: { eu: ['208'], world: ['310'] } },
  );
  const bundle = allowance({
    kind: 'data',
    amount: 100_000 * megabyte,
    categories: ['data-national', 'data-eu'],
    zones: ['home', 'eu'],
  });
  const abroad = { kind: 'data', category: 'data-eu', visited: '20801' } as const;
  const gigabytes = (count: number) => count * 1000 * megabyte;

  it('counts in the zones that the allowance names', () => {
    const calls = allowance({ zones: ['home', 'eu'], categories: ['roaming-eu-mo'] });
    const call = { category: 'roaming-eu-mo', visited: '20801', usage: 20 };
    assert.deepEqual(rateAll([calls], [call], data).rated, [[0, 'a 20']]);
    assert.deepEqual(rateAll([{ ...calls, zones: ['home'] }], [call], data).rated, [[333, '']]);
  });

  it('covers EU data up to twice the price by the wholesale cap: 25 EUR in 2026 are 45.45 GB', () => {
    const fair = { ...bundle, fairUse: { monthlyPriceE8: 25 * 10 ** 8, zones: ['eu'] } };
    const use = [
      { ...abroad, usage: gigabytes(45) },
      { ...abroad, usage: gigabytes(1) },
      { kind: 'data', category: 'data-national', usage: gigabytes(54) } as const,
    ];
    const { rated, states } = rateAll([fair], use, data);
    assert.deepEqual(rated, [
      [0, `a ${gigabytes(45)}`],
      [7091, 'a 454545454'],
      [0, `a ${gigabytes(54)}`],
    ]);
    assert.deepEqual([states[0]!.fairUseLimit, states[0]!.fairUseUsed], [45_454_545_454, 45_454_545_454]);
  });
});

describe('minimum and cap', () => {
  const flat = (changes: object) => version([rule('flat', { connectFee: '0.05', ...changes })]);

  it('hold for connect fee and usage together, before the one rounding', () => {
    const limits = flat({ minimum: '0.06666', cap: { amount: '0.20005', strategy: 'free' } });
    const calls = [{ usage: 5 }, { usage: 30 }, { usage: 100 }, { usage: 0 }];
    assert.deepEqual(rateAll([], calls, limits).rated, [
      [667, '', 'minimum'],
      [1000, ''],
      [2001, '', 'cap'],
      [0, ''],
    ]);
  });

  it('record that a call should have been ended at its cap', () => {
    const ended = flat({ cap: { amount: '0.15', strategy: 'disconnect' } });
    assert.deepEqual(rateAll([], [{ usage: 60 }, { usage: 61 }], ended).rated, [
      [1500, ''],
      [1500, '', 'cap', 'cap-disconnect'],
    ]);
  });

  it('are for what allowances leave; a call that they cover has no minimum', () => {
    const limits = flat({ minimum: '0.10' });
    assert.deepEqual(rateAll([allowance({ amount: 40 })], [{ usage: 25 }, { usage: 25 }], limits).rated, [
      [0, 'a 25'],
      [1000, 'a 15', 'minimum'],
    ]);
  });
});

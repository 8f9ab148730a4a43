/**
 * Every rule of rating must matter to the default traffic: a rating that gets one of them wrong must miss the truth, in
 * every account where the tariff has the rule. Each mutant is a tariff or a wall clock that is wrong in one way.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isExactHalf } from '../../simulator/evaluator/fraction.ts';
import { type Rating, rate } from '../../simulator/evaluator/rate.ts';
import { tariffBook } from '../../simulator/evaluator/tariff-book.ts';
import { offsetLookup, type WallClock, wallTimeOf } from '../../simulator/evaluator/wall-clock.ts';
import type { RuleForm, TariffForm, VersionForm } from '../../simulator/tariff-form.ts';
import { accountTruth, activeRecords, rateableOf } from '../../simulator/truth.ts';
import { ratingOf } from '../../simulator/world.ts';
import { accountsWithFiles, smallWorld } from './small-world.ts';

const world = smallWorld(4000);
const list = accountsWithFiles(world);
const right = ratingOf(world);
const offsetAt = offsetLookup('Europe/Amsterdam');

function truths(rating: Rating): { account: string; cycles: Map<string, bigint> }[] {
  return list.map(({ account, files }) => {
    const cycles = accountTruth(account, files.lines.flat(), world.calendar, rating);
    return { account: account.account, cycles: new Map(cycles.map((cycle) => [cycle.cycleStart, cycle.amountE8])) };
  });
}

const truth = truths(right);

/** The cycles in which the mutant misses the truth, per account. */
function missed(rating: Rating): string[][] {
  return truths(rating).map(({ cycles }, index) => {
    const all = [...(truth[index]?.cycles.keys() ?? [])];
    return all.filter((cycle) => cycles.get(cycle) !== truth[index]?.cycles.get(cycle));
  });
}

function withRules(change: (rule: RuleForm) => RuleForm | null): Rating {
  return withVersions((version) => ({
    ...version,
    rules: version.rules.map(change).filter((rule) => rule !== null),
  }));
}

function withVersions(change: (version: VersionForm, index: number, all: VersionForm[]) => VersionForm): Rating {
  const forms = world.tariffs.map((form): TariffForm => ({ ...form, versions: form.versions.map(change) }));
  return { ...right, book: tariffBook(forms, world.zoneSets) };
}

const everyCycle = [
  ['2026-03-01', '2026-04-01', '2026-10-01'],
  ['2026-03-01', '2026-04-01', '2026-10-01'],
];

const everywhere: Record<string, Rating> = {
  'first increment ignored': withRules((rule) => ({
    ...rule,
    steps: rule.steps.map((step) => ({ ...step, first: step.next })),
  })),
  'next increment taken from first': withRules((rule) => ({
    ...rule,
    steps: rule.steps.map((step) => ({ ...step, next: step.first })),
  })),
  'step border one unit late': withRules((rule) => ({
    ...rule,
    steps: rule.steps.map((step) => ({ ...step, from: step.from === 0 ? 0 : step.from + 1 })),
  })),
  'second step ignored': withRules((rule) => ({ ...rule, steps: rule.steps.slice(0, 1) })),
  'connect fee forgotten': withRules((rule) => ({ ...rule, connectFee: '0' })),
  'longest prefix cut by a digit': withRules((rule) => ({
    ...rule,
    match: rule.match.prefixes?.includes('316') ? { ...rule.match, prefixes: ['31'] } : rule.match,
  })),
  'weights ignored': withRules(({ weight: _ignored, ...rule }) => rule),
  'every rule rounds up': withRules((rule) => ({
    ...rule,
    rounding: { decimals: rule.rounding?.decimals ?? 4, mode: 'up' },
  })),
  'no rule rounds up': withRules((rule) => ({
    ...rule,
    rounding: { decimals: rule.rounding?.decimals ?? 4, mode: 'half-away' },
  })),
  'midnight missed': { ...right, clock: clockStoppedAtMidnight() },
  'bands in UTC': { ...right, clock: (utcS) => wallTimeOf(utcS) },
  'evening one second late': withRules((rule) => movedBand(rule, '18:00:00', '18:00:01')),
  'peak one second late': withRules((rule) => movedBand(rule, '08:00:00', '08:00:01')),
  'deep night one second late': withRules((rule) => movedBand(rule, '02:30:00', '02:30:01')),
};

for (const [name, mutant] of Object.entries(everywhere)) {
  test(`a rating with ${name} misses the truth in every cycle of every account`, () => {
    assert.deepEqual(missed(mutant), everyCycle);
  });
}

test('a rating that keeps the offset of the start misses both cycles with a clock change', () => {
  const frozen: WallClock = (utcS, callStartS) => wallTimeOf(utcS + offsetAt(callStartS));
  const both = ['2026-03-01', '2026-10-01'];
  assert.deepEqual(missed({ ...right, clock: frozen }), [both, both]);
});

test('a rating that takes the wrong policy for the tariff change misses the cycle of the change', () => {
  const swapped = withVersions((version) => ({
    ...version,
    changePolicy: version.changePolicy === 'split' ? 'by_start' : 'split',
  }));
  assert.deepEqual(missed(swapped), [['2026-04-01'], ['2026-04-01']]);
});

test('a rating that changes the version a second late misses the cycle of the change', () => {
  const late = (local: string) => Temporal.PlainDateTime.from(local).add({ seconds: 1 }).toString();
  const mutant = withVersions((version, index) => ({
    ...version,
    validFrom: index === 0 ? version.validFrom : late(version.validFrom),
    validTo: version.validTo === null ? null : late(version.validTo),
  }));
  assert.deepEqual(missed(mutant), [['2026-04-01'], ['2026-04-01']]);
});

test('a rating that knows only the first or only the last version misses cycles', () => {
  const only = (pick: number) =>
    withVersions((version, index, all) => ({
      ...version,
      ...(all.length > 1 && { validFrom: index === pick ? '2020-01-01T00:00:00' : '2019-01-01T00:00:00' }),
      ...(all.length > 1 && { validTo: index === pick ? null : '2019-01-02T00:00:00' }),
    }));
  const [march, april, october] = everyCycle[0] as [string, string, string];
  assert.deepEqual(missed(only(0)), [
    [april, october],
    [april, october],
  ]);
  assert.deepEqual(missed(only(1)), [
    [march, april],
    [march, april],
  ]);
});

test('halves of the 4th decimal occur that half-even or cutting would round otherwise', () => {
  for (const { account, files } of list) {
    const halves = activeRecords(files.lines.flat()).filter((record) => {
      const outcome = rate(right, account.tariff, rateableOf(record));
      if (outcome.status !== 'rated' || outcome.decimals !== 4 || !isExactHalf(outcome.exact, 4)) return false;
      return (outcome.amountE8 / 10_000n) % 2n === 1n; // half-even would have stayed one below
    });
    assert.ok(halves.length >= 10, `${account.account}: ${halves.length}`);
  }
});

function movedBand(rule: RuleForm, from: string, to: string): RuleForm {
  return rule.active?.from === from ? { ...rule, active: { ...rule.active, from: to } } : rule;
}

/** The wall clock stays at the last second of the day on which the call began. */
function clockStoppedAtMidnight(): WallClock {
  return (utcS, callStartS) => {
    const start = wallTimeOf(callStartS + offsetAt(callStartS));
    const now = wallTimeOf(utcS + offsetAt(utcS));
    return now.date === start.date ? now : { ...start, secondOfDay: 86_399 };
  };
}

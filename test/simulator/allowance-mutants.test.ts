/** Allowances, minimum, cap and zones by date must matter to the default traffic: getting one of them wrong misses the truth. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '../../simulator/account.ts';
import type { AllowanceForm } from '../../simulator/allowance-form.ts';
import { fairUseLimit } from '../../simulator/evaluator/allowances.ts';
import type { Rating } from '../../simulator/evaluator/rate.ts';
import { tariffBook } from '../../simulator/evaluator/tariff-book.ts';
import type { RuleForm } from '../../simulator/tariff-form.ts';
import { accountTruth } from '../../simulator/truth.ts';
import { ratingOf } from '../../simulator/world.ts';
import { accountsWithFiles, smallWorld } from './small-world.ts';

const world = smallWorld(6000);
const list = accountsWithFiles(world);
const right = ratingOf(world);

/** Amounts per account and cycle. */
function amounts(rating: Rating, change: (account: Account) => Account): bigint[][] {
  return list.map(({ account, files }) =>
    accountTruth(change(account), files.lines.flat(), world.calendar, rating).map((cycle) => cycle.amountE8),
  );
}

const truth = amounts(right, (account) => account);

function allowances(change: (form: AllowanceForm) => AllowanceForm[]): (account: Account) => Account {
  return (account) => ({
    ...account,
    allowances: (account.allowances ?? []).flatMap(change),
    subscribers: account.subscribers.map((one) => ({ ...one, allowances: (one.allowances ?? []).flatMap(change) })),
  });
}

function rules(change: (rule: RuleForm) => RuleForm): Rating {
  const forms = world.tariffs.map((form) => ({
    ...form,
    versions: form.versions.map((version) => ({ ...version, rules: version.rules.map(change) })),
  }));
  return { ...right, book: tariffBook(forms, world.zoneSets) };
}

const unchanged = (account: Account) => account;
/** Each with the accounts (by index) that it must concern. */
const mutants: [name: string, concerned: number[], rating: Rating, change: (account: Account) => Account][] = [
  ['no allowances', [0, 1], right, allowances(() => [])],
  ['everybody sharing, and nobody', [0, 1], right, allowances((form) => [{ ...form, shared: form.shared !== true }])],
  ['no increments of their own', [1], right, allowances(({ increment: _ignored, ...form }) => [form])],
  ['no priorities', [1], right, allowances((form) => [{ ...form, priority: form.priority === undefined ? 9 : 0 }])],
  ['no fair use', [0], right, allowances(({ fairUse: _ignored, ...form }) => [form])],
  ['no first day', [1], right, allowances(({ validFrom: _ignored, ...form }) => [form])],
  ['home only', [0], right, allowances((form) => [{ ...form, scope: { categories: form.scope.categories } }])],
  ['no minimum', [0, 1], rules(({ minimum: _ignored, ...rule }) => rule), unchanged],
  ['no cap', [0, 1], rules(({ cap: _ignored, ...rule }) => rule), unchanged],
  [
    'the first zone set for ever',
    [1],
    {
      ...right,
      book: tariffBook(
        world.tariffs,
        world.zoneSets.map((form) => ({ ...form, sets: [{ ...form.sets[0]!, validTo: null }] })),
      ),
    },
    unchanged,
  ],
];

for (const [name, concerned, rating, change] of mutants) {
  test(`a rating with ${name} misses the truth`, () => {
    const missed = amounts(rating, change);
    for (const index of concerned) assert.notDeepEqual(missed[index], truth[index], `account ${index}`);
  });
}

test('fair use follows the wholesale cap of the year, in whole octets', () => {
  assert.equal(fairUseLimit('25', 2026), 45_454_545_454n);
  assert.equal(fairUseLimit('25', 2031), 50_000_000_000n);
  assert.equal(fairUseLimit('25', 2021), null);
});

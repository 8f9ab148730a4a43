import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ServiceError } from '../../src/admin/service-error.ts';
import { cycleServices } from '../../src/services/cycle-services.ts';
import { totalsServices } from '../../src/services/totals-services.ts';
import { recalculation } from '../../src/totals/steps.ts';
import { type BillingWorld, billingWorld, by, type Call } from '../totals/billed-contract.ts';

let world: BillingWorld;
let cycles: ReturnType<typeof cycleServices>;
let totals: ReturnType<typeof totalsServices>;
const march = '2026-03-01';
before(async () => {
  world = await billingWorld();
  await world.loadPrice(6);
  const noAlerts = { raise() {}, resolve() {}, flush: async () => {} };
  const enqueue = world.h.enqueueWith([recalculation({} as never, noAlerts)]);
  cycles = cycleServices({ database: world.database, enqueue, wake() {} });
  totals = totalsServices({ database: world.database, enqueue });
});
after(() => world.close());

const call: Call = { id: 'a', day: '2026-03-10', seconds: 100 };
const is = (code: string, message: RegExp) => (error: ServiceError) => {
  assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message);
  return true;
};

test('a closed cycle is not calculated again; reopening says how, and calculates what came home', async () => {
  const contract = await world.contract();
  const which = { customer: contract.code, cycle: march, ...by };
  await contract.deliver([call]);
  await contract.settle();
  await cycles.closeCycle(which);
  const again = { by: by.by, customer: contract.code, cycle: march };
  await assert.rejects(
    totals.recalculateTotals(again),
    is('conflict', /is closed .* linekeeper cycle reopen --customer/),
  );
  await contract.deliver([{ ...call, id: 'late', seconds: 20 }]);
  await contract.settle();
  const [closed, open] = await cycles.cycles({ customer: contract.code });
  assert.deepEqual(
    [closed!.state, closed!.adjustments, closed!.adjustmentsE8, closed!.amountE8],
    ['adjusted', '1', '2000000', '10000000'],
  );
  assert.deepEqual([open!.state, open!.blocker, open!.waits], ['open', 'running', null]);
  const reopened = await cycles.reopenCycle(which);
  assert.equal(reopened.chains.length, 2);
  for (const chain of reopened.chains) await world.h.chainUntil(chain, (row) => row.state === 'succeeded', 20_000);
  assert.equal((await contract.totals())[march]!.amount, 12_000_000);
});

/** A contract, and another of its customer; both have a call in a cycle that is settled. */
async function firstOfTwo() {
  const [first, second] = [await world.contract(), await world.contract()];
  await world.database.query('update contract set customer_id = $1 where id = $2', [
    first.customerId,
    second.contractId,
  ]);
  for (const contract of [first, second]) {
    await contract.deliver([call]);
    await contract.settle();
  }
  return first;
}

test('a customer with several accounts has to say which one is meant', async () => {
  const first = await firstOfTwo();
  const which = { customer: first.code, cycle: march, ...by };
  await assert.rejects(cycles.closeCycle(which), is('refused', /several accounts .* name one with --account/));
  const [one] = await cycles.cycles({ customer: first.code });
  assert.equal((await cycles.closeCycle({ ...which, account: one!.account })).account, one!.account);
  const states = async () => (await cycles.cycles({ customer: first.code })).map(({ state }) => state);
  assert.deepEqual(await states(), ['closed', 'grace']);
});

test('a closed cycle of one account keeps nobody from calculating that of another', async () => {
  const first = await firstOfTwo();
  const [one, other] = (await cycles.cycles({ customer: first.code })).map(({ account }) => account);
  const which = { customer: first.code, cycle: march, ...by };
  await cycles.closeCycle({ ...which, account: one! });
  const again = { by: by.by, customer: first.code, cycle: march };
  await assert.rejects(
    totals.recalculateTotals(again),
    is('conflict', new RegExp(`cycle reopen --customer ${first.code} .*--account ${one} .* by --account: ${other}$`)),
  );
  const { chains } = await totals.recalculateTotals({ ...again, account: other! });
  assert.deepEqual(
    chains.map(({ account }) => account),
    [other],
  );
  await assert.rejects(
    cycles.restoreTotals({ ...which, account: one!, generation: 1 }),
    new RegExp(`account ${one} is closed .* cycle reopen --customer ${first.code} --cycle ${march} --account ${one}`),
  );
});

test('totals of a contract that has no tariff any more are explained by what they were rated with', async () => {
  const contract = await world.contract();
  await contract.deliver([call]);
  await contract.settle();
  await world.database.query('update contract set tariff_id = null where id = $1', [contract.contractId]);
  const [explained] = await totals.explainTotals({ customer: contract.code, cycle: march, limit: 10 });
  assert.deepEqual(
    explained!.shown.map(({ tariff, reproduced, amountE8 }) => [tariff, reproduced, amountE8]),
    [['flat', true, '10000000']],
  );
});

test('a cycle or customer that is not there is answered with those that are', async () => {
  const contract = await world.contract();
  await contract.deliver([call]);
  await contract.settle();
  const which = { customer: contract.code, cycle: '2026-04-01', ...by };
  await assert.rejects(
    cycles.closeCycle(which),
    is('not-found', /no cycle that starts on 2026-04-01; cycles: \d{10} 2026-03-01$/),
  );
  await assert.rejects(
    cycles.closeCycle({ ...which, customer: 'C999' }),
    is('not-found', /no customer has the code C999/),
  );
});

/** The guard against sudden falls, the person's answer, and restoring a generation (P5). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { waitingForPerson } from '../../src/services/findings.ts';
import { explainTotals } from '../../src/totals/explain.ts';
import { oracleBreaches } from '../../src/totals/oracle.ts';
import { restoreGeneration } from '../../src/totals/restore.ts';
import { decideReview, waitingGenerations } from '../../src/totals/review.ts';
import { type BilledContract, type BillingWorld, billingWorld, by, type Call } from './billed-contract.ts';

let world: BillingWorld;
const march = '2026-03-01';
const second = 100_000;
before(async () => {
  world = await billingWorld();
  await world.loadPrice(6);
});
after(() => world.close());

const calls: readonly Call[] = Array.from({ length: 10 }, (_, index) => ({
  id: `r${index}`,
  day: '2026-03-10',
  seconds: 100,
}));

async function published(): Promise<BilledContract> {
  const contract = await world.contract();
  await contract.deliver(calls, 1);
  await contract.settle();
  return contract;
}

async function states({ contractId }: BilledContract): Promise<string> {
  const [row] = await world.database.query(
    `select string_agg(generation || ' ' || state, ', ' order by generation) as all from total_generation where contract_id = $1`,
    [contractId],
  );
  return row!.all;
}

const decide = ({ contractId }: BilledContract, verdict: 'accept' | 'discard') =>
  world.database.transaction((tx) => decideReview(tx, contractId, march, verdict, by));
const restore = ({ contractId }: BilledContract, generation: number) =>
  world.database.transaction((tx) => restoreGeneration(tx, contractId, march, generation, by));
const amountOf = async (contract: BilledContract) => (await contract.totals())[march]!.amount;

test('totals that fall by more than 30 % wait, readers keep the old ones, and a person is told until he decides', async () => {
  const contract = await published();
  await contract.deliver(
    calls.map((call) => ({ ...call, seconds: 60 })),
    1,
  );
  await contract.settle();
  assert.equal(await states(contract), '1 current, 2 review');
  assert.equal(await amountOf(contract), 1_000 * second);
  const [waiting] = (await waitingGenerations(world.database)).filter((one) => one.contractId === contract.contractId);
  assert.deepEqual(
    [waiting!.generation, waiting!.current, waiting!.why],
    [2, 1, 'the amount falls from 1.0000 to 0.6000 EUR (more than 30 %)'],
  );
  const told = (await waitingForPerson(world.database)).filter(({ rule }) => rule === 'totals.review');
  assert.deepEqual([told.length, told[0]!.level ?? 'critical', told[0]!.waitsForPerson], [1, 'critical', true]);
  // it names the sync that it consumed, so the oracle of the product has nothing to say
  const bounds = { consumedWithinSeconds: -1, dueWithinSeconds: 1e9, endWithinSeconds: 1e9 };
  assert.deepEqual((await oracleBreaches(world.database, bounds)).unconsumedTasks, []);
  await assert.rejects(contract.closeCycle(march), /generation 2 of its totals waits for a person/);
  assert.deepEqual(await decide(contract, 'accept'), { generation: 2 });
  assert.equal(await states(contract), '1 backup, 2 current');
  assert.equal(await amountOf(contract), 600 * second);
  assert.deepEqual(await waitingForPerson(world.database), []);
  const [row] = await world.database.query(
    'select reason from total_generation where contract_id = $1 and generation = 2',
    [contract.contractId],
  );
  assert.match(row!.reason, /^sync task \d+; accepted by anna@cli: a test$/);
  await assert.rejects(decide(contract, 'accept'), /no totals of cycle 2026-03-01 wait for a person/);
});

test('what a person discards does not come again with the next sync, but with changed records', async () => {
  const contract = await published();
  await contract.deliver(
    calls.map((call) => ({ ...call, seconds: 60 })),
    1,
  );
  await contract.settle();
  await decide(contract, 'discard');
  await contract.settle();
  assert.equal(await states(contract), '1 current, 2 discarded');
  await assert.rejects(contract.closeCycle(march), /not those of its newest rating/);
  await contract.deliver(
    calls.map((call) => ({ ...call, seconds: 90 })),
    1,
  );
  await contract.settle();
  assert.equal(await states(contract), '1 backup, 2 discarded, 3 current');
  assert.equal(await amountOf(contract), 900 * second);
});

test('totals that are good again overtake those that wait', async () => {
  const contract = await published();
  await contract.deliver(
    calls.map((call) => ({ ...call, seconds: 60 })),
    1,
  );
  await contract.settle();
  await contract.deliver(calls, 1);
  await contract.settle();
  assert.equal(await states(contract), '1 current, 2 discarded');
});

test('records that the provider cancelled are no reason to wait, records that are gone are', async () => {
  const contract = await published();
  await contract.deliver(calls.slice(0, 8), 1);
  await contract.settle();
  assert.equal(await states(contract), '1 backup, 2 current', 'two of ten vanished: cancelled');
  // a mistake by hand, or a bug: rows that nobody cancelled are gone
  await world.database.query(`delete from cdr where contract_id = $1 and record_key in ('r0', 'r1')`, [
    contract.contractId,
  ]);
  await world.database.query('update cycle set revision = revision + 1 where contract_id = $1', [contract.contractId]);
  await contract.settle();
  assert.equal(await states(contract), '1 backup, 2 current, 3 review');
  const [waiting] = await waitingGenerations(world.database);
  assert.match(waiting!.why, /^2 of 8 records are gone that nobody cancelled/);
  await decide(contract, 'discard');
});

test('the limits are those of the contract', async () => {
  const contract = await published();
  await world.database.query('update contract set guard_amount_percent = 50 where id = $1', [contract.contractId]);
  await contract.deliver(
    calls.map((call) => ({ ...call, seconds: 60 })),
    1,
  );
  await contract.settle();
  assert.equal(await states(contract), '1 backup, 2 current');
  await contract.deliver(
    calls.map((call) => ({ ...call, seconds: 29 })),
    1,
  );
  await contract.settle();
  assert.equal(await states(contract), '1 backup, 2 current, 3 review');
  await decide(contract, 'discard');
});

test('a restored generation is current again at once, and calculating again gives the digest that it would have given (P5)', async () => {
  const contract = await published();
  const first = (await contract.totals())[march]!;
  await contract.deliver([{ id: 'more', day: '2026-03-11', seconds: 10 }], 2);
  await contract.settle();
  const second2 = (await contract.totals())[march]!;
  assert.deepEqual(await restore(contract, 1), { generation: 1, replaced: 2, digest: first.digest });
  assert.equal((await contract.totals())[march]!.digest, first.digest);
  const query = { customer: contract.code, cycle: march, limit: 5 };
  const [explained] = await world.database.read((session) => explainTotals(session, query));
  assert.deepEqual([explained!.records, explained!.pricesKept, explained!.shown.length], [10, false, 0]);
  await contract.settle();
  assert.equal(await states(contract), '1 current, 2 backup', 'a sync without changes leaves what was restored');
  assert.equal((await contract.recalculate(march)).state, 'succeeded');
  assert.equal((await contract.totals())[march]!.digest, second2.digest);
  assert.equal(await states(contract), '1 backup, 2 backup, 3 current');
  await restore(contract, 2);
  await contract.recalculate(march);
  assert.equal(await states(contract), '1 backup, 2 current, 3 backup', 'equal totals keep the restored generation');
});

test('only a backup that is whole is restored, and not in a closed cycle', async () => {
  const contract = await published();
  await contract.deliver([{ id: 'more', day: '2026-03-11', seconds: 10 }], 2);
  await contract.settle();
  await assert.rejects(restore(contract, 2), /is current already; backups that can be restored: 1$/);
  await assert.rejects(restore(contract, 7), /generation 7 of cycle 2026-03-01 is not kept/);
  await contract.closeCycle(march);
  await assert.rejects(restore(contract, 1), { name: 'ClosedCycleError', message: /linekeeper cycle reopen/ });
  await contract.reopenCycle(march);
  await world.database.query(
    'update total_usage set amount_e8 = amount_e8 + 1 where contract_id = $1 and generation = 1',
    [contract.contractId],
  );
  await assert.rejects(restore(contract, 1), /does not match its digest/);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { waitingForPerson } from '../../src/services/findings.ts';
import { closeDueCycles } from '../../src/totals/closing.ts';
import { listCycles, waitingCycles } from '../../src/totals/standing.ts';
import { type BilledContract, type BillingWorld, billingWorld, type Call } from './billed-contract.ts';

let world: BillingWorld;
const march = '2026-03-01';
before(async () => {
  world = await billingWorld();
  await world.loadPrice(6);
});
after(() => world.close());

const call: Call = { id: 'a', day: '2026-03-10', seconds: 100 };

async function published(calls: readonly Call[] = [call]): Promise<BilledContract> {
  const contract = await world.contract();
  await contract.deliver(calls);
  await contract.settle();
  return contract;
}

const closeDue = (quiet = 0) => world.database.transaction((tx) => closeDueCycles(tx, quiet));
const stateOf = async ({ contractId }: BilledContract, cycle = march): Promise<string> => {
  const [row] = await world.database.query('select state from cycle where contract_id = $1 and cycle_start = $2', [
    contractId,
    cycle,
  ]);
  return row!.state;
};

test('a cycle is open until its end, in grace until its late days are over, and then closed, which is in the audit', async () => {
  const contract = await published();
  const endedDaysAgo = (days: number, state: string) =>
    world.database.query(
      `update cycle set state = $3, ends_at = now() - make_interval(secs => $2) where contract_id = $1`,
      [contract.contractId, days * 86_400, state],
    );
  await endedDaysAgo(-1, 'open');
  await closeDue();
  assert.equal(await stateOf(contract), 'open');
  await endedDaysAgo(1, 'open');
  await closeDue();
  assert.equal(await stateOf(contract), 'grace');
  // two hours for a change of clocks in between
  await endedDaysAgo(9.9, 'grace');
  await closeDue();
  assert.equal(await stateOf(contract), 'grace');
  await endedDaysAgo(10.1, 'grace');
  const { closed } = await closeDue();
  assert.equal(closed.length, 1);
  assert.equal(await stateOf(contract), 'closed');
  const [audit] = await world.database.query(
    `select actor, detail from audit where action = 'cycle.closed' and subject = $1`,
    [closed[0]],
  );
  assert.deepEqual(audit, { actor: 'cycle-closing', detail: { generation: 1, reason: 'late days are over' } });
});

test('the first import of an old cycle opens it in grace, and it is left alone for a day', async () => {
  const contract = await published();
  assert.equal(await stateOf(contract), 'grace');
  await closeDue(24 * 3_600);
  assert.equal(await stateOf(contract), 'grace');
  await closeDue(0);
  assert.equal(await stateOf(contract), 'closed');
});

test('a cycle is not closed before its totals were published, nor while records wait to be rated', async () => {
  const contract = await world.contract();
  await contract.deliver([call]);
  await closeDue();
  assert.equal(await stateOf(contract), 'grace');
  await contract.settle();
  await contract.deliver([{ ...call, id: 'b' }]);
  await closeDue();
  assert.equal(await stateOf(contract), 'grace');
  await contract.settle();
  await closeDue();
  assert.equal(await stateOf(contract), 'closed');
});

test('a cycle is not closed while a sync of its contract is open', async () => {
  const contract = await published();
  const [task] = await world.database.query(
    `insert into sync_task (profile_id, requested_by, cycle_start) values ($1, 'test', '2026-03-01') returning id`,
    [contract.profileId],
  );
  await closeDue();
  assert.equal(await stateOf(contract), 'grace');
  await assert.rejects(contract.closeCycle(march), /a sync of its contract is open/);
  await world.database.query(`update sync_task set status = 'failed', finished_at = now() where id = $1`, [task!.id]);
  await closeDue();
  assert.equal(await stateOf(contract), 'closed');
});

test('a record without a price keeps its cycle open and is told, until the tariff has a price for it (P6)', async () => {
  const contract = await published([call, { id: 'x', day: '2026-03-11', seconds: 9, prefix: '8835100' }]);
  const about = async () => {
    const found = await waitingCycles(world.database, 0);
    return found.filter(({ contractId }) => contractId === contract.contractId).map(({ blocker }) => blocker);
  };
  await closeDue();
  assert.equal(await stateOf(contract), 'grace');
  assert.deepEqual(await about(), ['unrated']);
  await assert.rejects(contract.closeCycle(march), /1 of its records have no price, .* mend the tariff/);
  await world.loadPrice(6, ['316', '883']);
  assert.equal((await contract.recalculate(march)).state, 'succeeded');
  assert.deepEqual(await about(), []);
  await closeDue();
  assert.equal(await stateOf(contract), 'closed');
  const [unrated] = await world.database.query(
    `select count(*)::int as n from total_usage u join total_generation g using (contract_id, cycle_start, generation)
     join cycle y using (contract_id, cycle_start) where g.state = 'current' and y.state in ('closed', 'adjusted') and u.unrated > 0`,
  );
  assert.equal(unrated!.n, 0);
  await world.loadPrice(6);
});

test('a cycle that waits for a person is a finding only when it is due', async () => {
  const contract = await published([{ ...call, prefix: '8835100' }]);
  const subjects = async () =>
    (await waitingForPerson(world.database)).map(({ rule, subject }) => `${rule} ${subject}`);
  const [cycle] = (await listCycles(world.database, { customer: contract.code })).filter(
    (one) => one.cycleStart === march,
  );
  const subject = `cycle.not-closed ${contract.code}/${cycle!.account}/${march}`;
  assert.ok(!(await subjects()).includes(subject));
  await world.database.query(
    `update rating_run set created_at = created_at - interval '2 days' where contract_id = $1`,
    [contract.contractId],
  );
  assert.ok((await subjects()).includes(subject));
});

test('two nodes that close at once close once, and pass over a contract that somebody holds', async () => {
  const contract = await published();
  const both = await Promise.all([closeDue(), closeDue()]);
  assert.equal(both.flatMap(({ closed }) => closed).length, 1);
  assert.equal(await stateOf(contract), 'closed');
  const held = await published();
  await world.database.transaction(async (tx) => {
    await tx.query('select 1 from contract where id = $1 for no key update', [held.contractId]);
    assert.deepEqual((await closeDue()).closed, []);
  });
  assert.equal((await closeDue()).closed.length, 1);
});

test('a person closes without waiting, but not a cycle that runs, nor one twice', async () => {
  const contract = await published();
  await contract.closeCycle(march);
  await assert.rejects(contract.closeCycle(march), /is closed since 20/);
  const open = await world.openCycle();
  await contract.deliver([{ id: 'now', day: open.replace(/01$/, '02'), seconds: 5 }]);
  await contract.settle();
  await assert.rejects(contract.closeCycle(open), /cannot be closed: it has not ended/);
});

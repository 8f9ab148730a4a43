/** F22 and P10: what comes after a cycle was closed is an adjustment in the open one; the closed one stays as it is. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { explainTotals } from '../../src/totals/explain.ts';
import { type BilledContract, type BillingWorld, billingWorld, by, type Call } from './billed-contract.ts';

let world: BillingWorld;
let open: string;
const march = '2026-03-01';
/** 1e-8 EUR of a second at 6 cents a minute. */
const second = 100_000;
before(async () => {
  world = await billingWorld();
  await world.loadPrice(6);
  open = await world.openCycle();
});
after(() => world.close());

const calls: readonly Call[] = [
  { id: 'a', day: '2026-03-10', seconds: 100 },
  { id: 'b', day: '2026-03-11', seconds: 200 },
  { id: 'c', day: '2026-03-12', seconds: 400 },
];

async function closedMarch(): Promise<{ contract: BilledContract; digest: string }> {
  const contract = await world.contract();
  await contract.deliver(calls);
  await contract.settle();
  await contract.closeCycle(march);
  return { contract, digest: (await contract.totals())[march]!.digest };
}

test('a late record of a closed cycle is billed in the open cycle and refers to its own; the closed digest stays', async () => {
  const { contract, digest } = await closedMarch();
  assert.deepEqual(await contract.deliver([{ id: 'late', day: '2026-03-20', seconds: 30 }]), [open]);
  await contract.settle();
  const totals = await contract.totals();
  assert.deepEqual(totals[march], { records: 3, amount: 700 * second, digest, state: 'adjusted' });
  assert.deepEqual([totals[open]!.records, totals[open]!.amount], [1, 30 * second]);
  const [row] = await world.database.query(
    `select to_char(adjusts_cycle, 'YYYY-MM-DD') as adjusts, late from cdr where contract_id = $1 and cycle_start = $2`,
    [contract.contractId, open],
  );
  assert.deepEqual(row, { adjusts: march, late: true });
});

test('a correction after the close takes back exactly what was billed and bills the new record', async () => {
  const { contract, digest } = await closedMarch();
  await contract.deliver([{ id: 'x', day: '2026-03-11', seconds: 50, correction: 'C', original: 'b' }]);
  await contract.settle();
  const totals = await contract.totals();
  assert.equal(totals[march]!.digest, digest);
  assert.deepEqual([totals[open]!.records, totals[open]!.amount], [2, -150 * second]);
});

test('a cancellation after the close is a negative adjustment, once, and keeps the original out', async () => {
  const { contract, digest } = await closedMarch();
  const cancel: Call = { id: 'x', day: '2026-03-12', seconds: 400, correction: 'D', original: 'c' };
  await contract.deliver([cancel]);
  await contract.deliver([{ ...cancel, id: 'y' }]);
  await contract.deliver([calls[2]!]);
  await contract.settle();
  const totals = await contract.totals();
  assert.equal(totals[march]!.digest, digest);
  assert.deepEqual([totals[open]!.records, totals[open]!.amount], [1, -400 * second]);
});

test('a re-delivery of a closed file adjusts by what changed and what vanished, and not again when it comes again', async () => {
  const { contract, digest } = await closedMarch();
  const second2 = [calls[0]!, { ...calls[1]!, seconds: 210 }];
  await contract.deliver(second2, 1);
  assert.deepEqual(await contract.deliver(second2, 1), []);
  await contract.settle();
  const totals = await contract.totals();
  assert.equal(totals[march]!.digest, digest);
  assert.equal(totals[open]!.amount, (10 - 400) * second);
  await contract.deliver(calls, 1);
  await contract.settle();
  assert.equal((await contract.totals())[open]!.amount, 0, 'everything is as it was billed again');
});

test('a correction of an adjustment is made in place while its cycle is open', async () => {
  const { contract } = await closedMarch();
  await contract.deliver([{ id: 'x', day: '2026-03-11', seconds: 50, correction: 'C', original: 'b' }]);
  await contract.deliver([{ id: 'y', day: '2026-03-11', seconds: 60, correction: 'C', original: 'b' }]);
  await contract.settle();
  const totals = await contract.totals();
  assert.deepEqual([totals[open]!.records, totals[open]!.amount], [2, -140 * second]);
});

test('a tariff that is edited after the close changes neither the closed totals nor the price of what comes late', async () => {
  const { contract, digest } = await closedMarch();
  await world.loadPrice(12);
  try {
    assert.deepEqual(await contract.recalculate(march).then(({ state, reason }) => [state, reason]), [
      'failed',
      'cycle 2026-03-01 was closed; reopen it first',
    ]);
    await contract.deliver([
      { id: 'late', day: '2026-03-20', seconds: 30 },
      { id: 'x', day: '2026-03-11', seconds: 50, correction: 'C', original: 'b' },
      { id: 'own', day: open.replace(/01$/, '02'), seconds: 1 },
    ]);
    await contract.settle();
    const totals = await contract.totals();
    assert.equal(totals[march]!.digest, digest);
    // 30 + 50 - 200 at the old price, and the open cycle's own second at the new one
    assert.equal(totals[open]!.amount, -120 * second + 2 * second);
    const query = { customer: contract.code, limit: 10 };
    const [adjusting] = await world.database.read((session) => explainTotals(session, { ...query, cycle: open }));
    assert.deepEqual(
      adjusting!.shown.map(({ adjusts, takesBack, amountE8, reproduced }) => [
        adjusts,
        takesBack?.line,
        amountE8,
        reproduced,
      ]),
      [
        [march, undefined, String(50 * second), true],
        [march, 3, String(-200 * second), true],
        [march, undefined, String(30 * second), true],
        [null, undefined, String(2 * second), true],
      ],
    );
    const [closed] = await world.database.read((session) => explainTotals(session, { ...query, cycle: march }));
    assert.ok(
      closed!.shown.every(({ reproduced }) => reproduced),
      'with the tariff that it was closed with',
    );
    await contract.reopenCycle(march);
    assert.equal((await contract.recalculate(march)).state, 'succeeded');
    assert.equal(
      (await contract.totals())[march]!.amount,
      (100 + 50 + 400 + 30) * 2 * second,
      'reopened: all at the new price',
    );
  } finally {
    await world.loadPrice(6);
  }
});

test('reopening brings the adjustments home, and the totals are those of a cycle that got all in time', async () => {
  const { contract } = await closedMarch();
  const after: readonly Call[] = [
    { id: 'late', day: '2026-03-20', seconds: 30 },
    { id: 'x', day: '2026-03-11', seconds: 50, correction: 'C', original: 'b' },
    { id: 'y', day: '2026-03-12', seconds: 400, correction: 'D', original: 'c' },
  ];
  await contract.deliver(after);
  await contract.settle();
  assert.deepEqual(await contract.reopenCycle(march), [march, open]);
  await contract.settle();
  const inTime = await world.contract();
  await inTime.deliver(calls);
  await inTime.deliver(after);
  await inTime.settle();
  const [home, straight] = [await contract.totals(), await inTime.totals()];
  // the fall from 700 to 180 seconds waits for a person, here and there the same
  assert.equal(straight[march]!.amount, 180 * second);
  const [waiting] = await world.database.query(
    `select encode(digest, 'hex') as digest from total_generation where contract_id = $1 and cycle_start = $2 and state = 'review'`,
    [contract.contractId, march],
  );
  assert.equal(waiting!.digest, straight[march]!.digest);
  assert.equal(home[march]!.state, 'grace');
  assert.equal(home[open]!.records, 0, 'what came home is no fall of the cycle that it lay in');
  const [pinned] = await world.database.query(
    `select pinned_by from total_generation where contract_id = $1 and cycle_start = $2 and state = 'current'`,
    [contract.contractId, march],
  );
  assert.equal(pinned!.pinned_by, `reopened by ${by.by}: ${by.reason}`);
});

test('a cycle that is adjusted from another closed cycle is reopened after that one', async () => {
  const { contract } = await closedMarch();
  await contract.deliver([{ id: 'late', day: '2026-03-20', seconds: 30 }]);
  await contract.settle();
  // the months go by: today's cycle ends and is closed
  await world.database.query(
    `update cycle set ends_at = now() - interval '1 second' where contract_id = $1 and cycle_start = $2`,
    [contract.contractId, open],
  );
  await contract.closeCycle(open);
  await assert.rejects(contract.reopenCycle(march), new RegExp(`adjusted by records of ${open}, which is closed too`));
  await contract.reopenCycle(open);
  assert.deepEqual(await contract.reopenCycle(march), [march, open]);
});

test('a correction that vanishes from a closed cycle still keeps the original out', async () => {
  const contract = await world.contract();
  await contract.deliver(calls);
  await contract.deliver([{ id: 'x', day: '2026-03-11', seconds: 50, correction: 'C', original: 'b' }], 2);
  await contract.settle();
  await contract.closeCycle(march);
  await contract.deliver([], 2);
  await contract.deliver([calls[1]!], 3);
  await contract.settle();
  assert.equal((await contract.totals())[open]!.amount, -50 * second);
});

test('what was corrected twice and is reopened in between vanishes once', async () => {
  const { contract } = await closedMarch();
  const april = '2026-04-01';
  const file = (seconds: number) => [{ ...calls[0]!, seconds }, ...calls.slice(1)];
  await contract.deliver(file(150), 1);
  // as if that had been in April, which is billed and closed by now
  await contract.deliver([{ id: 'april', day: '2026-04-10', seconds: 10 }]);
  await world.database.query('update cdr set cycle_start = $2 where contract_id = $1 and adjusts_cycle is not null', [
    contract.contractId,
    april,
  ]);
  await contract.settle();
  await contract.closeCycle(april);
  await contract.deliver(file(180), 1);
  await contract.settle();
  const billed = async () => Object.values(await contract.totals()).reduce((sum, { amount }) => sum + amount, 0);
  assert.equal(await billed(), (180 + 600 + 10) * second);
  await contract.reopenCycle(april);
  await contract.deliver(calls.slice(1), 1);
  await contract.settle();
  assert.equal(await billed(), (600 + 10) * second);
});

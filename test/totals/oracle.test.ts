import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { oracleBreaches, settle, settleConsumed, unconsumed } from '../../src/totals/oracle.ts';
import { buffersOf } from '../support/buffers.ts';
import { makeContract, type TestContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let server: TestDatabase;
let database: Database;
let contract: TestContract;
before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'oracle' });
  contract = await makeContract(database, 'O1', '0000000001');
});
after(async () => {
  await database.close();
  await server.close();
});

/** Completed tasks, each consumed by a generation. */
async function consumed(count: number): Promise<void> {
  await database.query(
    `with task as (
       insert into sync_task (profile_id, requested_by, cycle_start, status, finished_at)
       select $1, 'test', '2026-03-01', 'succeeded', now() - interval '1 hour' from generate_series(1, $3::integer) returning id)
     insert into sync_task_cycle (sync_task_id, contract_id, cycle_start, generation, consumed_at)
     select id, $2, '2026-03-01', 1, now() from task`,
    [contract.profileId, contract.contractId, count],
  );
}

async function settleAll(): Promise<number> {
  let settled = 0;
  for (;;) {
    const some = await settleConsumed(database, 5_000);
    settled += some;
    if (some === 0) return settled;
  }
}

const breaches = async () =>
  (await oracleBreaches(database, { consumedWithinSeconds: 300, dueWithinSeconds: 1e9, endWithinSeconds: 1e9 }))
    .unconsumedTasks;

test('what it reads does not grow with the tasks that were consumed, with statistics or without', async () => {
  const read = async () => ({
    look: await buffersOf(database, unconsumed, [300]),
    settle: await buffersOf(database, settle, [1_000]),
  });
  await consumed(100);
  assert.equal(await settleAll(), 100);
  await consumed(40_000);
  assert.deepEqual(await breaches(), []);
  assert.equal(await settleAll(), 40_000);
  // as autovacuum does: what is marked leaves the index
  await database.query('vacuum sync_task, sync_task_cycle');
  const fresh = await read();
  await database.query('analyze sync_task, sync_task_cycle');
  const known = await read();
  for (const [what, blocks] of Object.entries({ ...fresh, 'look again': known.look, 'settle again': known.settle })) {
    assert.ok(blocks < 50, `${what} read ${blocks} blocks`);
  }
});

test('a task that nothing consumed is seen, also when it was settled before and its chain ran again', async () => {
  const [missed] = await database.query<{ id: string }>(
    `insert into sync_task (profile_id, requested_by, cycle_start, status, finished_at)
     values ($1, 'test', '2026-03-01', 'succeeded', now() - interval '1 hour') returning id`,
    [contract.profileId],
  );
  assert.equal(await settleConsumed(database), 0);
  assert.deepEqual(await breaches(), [missed!.id]);
  await database.query(
    `insert into sync_task_cycle (sync_task_id, contract_id, cycle_start) values ($1, $2, '2026-03-01')`,
    [missed!.id, contract.contractId],
  );
  assert.equal(await settleConsumed(database), 0);
  assert.deepEqual(await breaches(), [missed!.id]);
  await database.query('update sync_task_cycle set consumed_at = now() where sync_task_id = $1', [missed!.id]);
  assert.deepEqual(await breaches(), []);
  assert.equal(await settleConsumed(database), 1);
  await database.query(
    `insert into sync_task_cycle (sync_task_id, contract_id, cycle_start) values ($1, $2, '2026-04-01')`,
    [missed!.id, contract.contractId],
  );
  assert.deepEqual(await breaches(), [missed!.id]);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { carryFinished } from '../../src/chains/history.ts';
import { closeBrokenTasks } from '../../src/providers/sync-task.ts';
import { type Harness, harness } from '../chains/harness.ts';
import { makeContract, type TestContract } from '../support/contract.ts';

let h: Harness;
let contract: TestContract;
before(async () => {
  h = await harness();
  contract = await makeContract(h.database);
});
after(() => h.close());

for (const state of ['dead', 'quarantined', 'failed', 'cancelled']) {
  test(`a task whose chain is ${state} does not hold up its profile's next run`, async () => {
    const [chain] = await h.database.query(
      `insert into chain (name, step, state, traceparent, input, reason, reason_by)
       values ('kpn-sp16', 'fetch', $1::chain_state, 't', '{}', 'test', 'test') returning id`,
      [state],
    );
    const [task] = await h.database.query(
      `insert into sync_task (profile_id, chain_id, requested_by, cycle_start) values ($1, $2, 'test', '2026-03-01') returning id`,
      [contract.profileId, chain!.id],
    );
    assert.deepEqual(await h.database.transaction(closeBrokenTasks), [contract.profileId]);
    const [after] = await h.database.query('select status from sync_task where id = $1', [task!.id]);
    assert.equal(after!.status, 'failed');
  });
}

test('a task whose chain has long ended and was carried into history is closed; one whose chain is open is not', async () => {
  const tasks: string[] = [];
  for (const state of ['failed', 'paused']) {
    const [chain] = await h.database.query(
      `insert into chain (name, step, state, traceparent, input, reason, reason_by, finished_at)
       values ('kpn-sp16', 'fetch', $1::chain_state, 't', '{}', 'test', 'test',
               case when $1 = 'failed' then now() - interval '2 hours' end) returning id`,
      [state],
    );
    const [profile] = await h.database.query(
      `insert into sync_profile (name, contract_id, sync_type, transport) values ($1, $2, 'KPN_SP16', '{}') returning id`,
      [state, contract.contractId],
    );
    const [task] = await h.database.query(
      `insert into sync_task (profile_id, chain_id, requested_by, cycle_start) values ($1, $2, 'test', '2026-03-01') returning id`,
      [profile!.id, chain!.id],
    );
    tasks.push(task!.id);
  }
  assert.equal((await carryFinished(h.database, { keepMs: 3_600_000, limit: 10 })).carried, 1);
  assert.equal((await h.database.transaction(closeBrokenTasks)).length, 1);
  const after = await h.database.query('select status from sync_task where id = any ($1) order by id', [tasks]);
  assert.deepEqual(after, [{ status: 'failed' }, { status: 'open' }]);
});

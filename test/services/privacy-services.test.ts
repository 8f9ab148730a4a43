import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { privacyServices } from '../../src/services/privacy-services.ts';
import { recalculation } from '../../src/totals/steps.ts';
import { makeFile } from '../support/contract.ts';
import { type BillingWorld, billingWorld } from '../totals/billed-contract.ts';

const msisdn = '31612345678';
const march = '2026-03-01';
let world: BillingWorld;
let services: ReturnType<typeof privacyServices>;
before(async () => {
  world = await billingWorld();
  await world.loadPrice(6);
  const enqueue = world.h.enqueueWith([
    recalculation({} as never, { raise() {}, resolve() {}, flush: async () => {} }),
  ]);
  services = privacyServices({ database: world.database, archive: {} as never, enqueue, wake() {} });
});
after(() => world.close());

const erase = (customer: string) => services.eraseSubscription({ customer, msisdn, reason: 'asked', by: 'anna@cli' });

test('a cycle that is not closed is calculated again after an erasure, so that it can be closed without another sync', async () => {
  const contract = await world.contract();
  await contract.deliver([{ id: 'a', day: '2026-03-10', seconds: 100 }]);
  await contract.settle();
  const { chains } = await erase(contract.code);
  assert.equal(chains.length, 1);
  const erased = await contract.totals();
  for (const chain of chains) await world.h.chainUntil(chain, (row) => row.state === 'succeeded', 20_000);
  assert.deepEqual(await contract.totals(), erased);
  await contract.closeCycle(march);
});

test('a number that only waiting records of a reseller know is exported and erased', async () => {
  const contract = await world.contract();
  const { rawFileId } = await makeFile(world.database, contract, 1);
  await world.database.query(
    `with t as (insert into sync_task (profile_id, requested_by, cycle_start) values ($2, 'test', '2026-03-01') returning id),
     d as (insert into reseller_delivery (contract_id, profile_id, period, customer_no, name, url, records, net_e8, md5, state, raw_file_id, sync_task_id)
       select $1, $2, '2026-03-01', '77', 'x', 'x', 1, 0, '', 'suspense', $3, id from t returning id)
     insert into reseller_cdr (delivery_id, msisdn, b_masked) select id, $4, '+3161234****' from d`,
    [contract.contractId, contract.profileId, rawFileId, msisdn],
  );
  const held = await services.exportSubscription({ customer: contract.code, msisdn });
  assert.deepEqual(
    [held.waiting.map(({ period, dialled }) => [period, dialled]), held.rawFiles.map(({ name }) => name)],
    [[['2026-03', '+3161234****']], ['f1']],
  );
  const { records, pseudonym, chains } = await erase(contract.code);
  assert.deepEqual([records, chains], [1, []]);
  assert.deepEqual(await world.database.query('select msisdn, b_masked from reseller_cdr'), [
    { msisdn: pseudonym, b_masked: null },
  ]);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { applyCustomers } from '../../src/customers/apply.ts';
import { type InventoryQuery, listSubscriptions } from '../../src/customers/inventory.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { publish } from '../alert-rules/published.ts';
import type { TestContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let server: TestDatabase;
let database: Database;
let contract: TestContract;

const told = { msisdn: '31611111111', costCentre: 'sales', employee: 'J. Jansen', iccid: '8931440000123456789' };
const apply = (subscriptions: readonly object[]) =>
  database.transaction((tx) =>
    applyCustomers(tx, {
      customers: [{ code: 'C001', name: 'x', contracts: [{ provider: 'KPN', account: '101', subscriptions }] }],
    }),
  );
const list = (query: Partial<InventoryQuery> = {}) =>
  database.read((session) => listSubscriptions(session, { discovered: false, limit: 100, ...query }));

before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'test' });
  await apply([{ ...told, validFrom: '2026-01-15', validTo: '2027-01-01' }, { msisdn: '31622222222' }]);
  const [row] = await database.query('select id, customer_id from contract');
  contract = { contractId: row!.id, customerId: row!.customer_id, profileId: '0' };
  await database.query(
    `insert into subscription (contract_id, msisdn, source, first_seen) values ($1, '31633333333', 'discovered', '2026-03-04')`,
    [contract.contractId],
  );
});
after(async () => {
  await database.close();
  await server.close();
});

test('a number is listed with what the document tells of it, its SIM card masked', async () => {
  const [first] = await list({ customer: 'C001' });
  const { id: _id, ...known } = first!;
  assert.deepEqual(known, {
    customer: 'C001',
    provider: 'KPN',
    account: '0000000101',
    msisdn: '31611111111',
    iccMasked: '893144*********6789',
    productCode: null,
    costCentre: 'sales',
    employee: 'J. Jansen',
    source: 'manual',
    validFrom: '2026-01-15',
    validTo: '2027-01-01',
    firstSeen: null,
  });
  const stored = await database.query(
    `select count(*)::int as n from subscription s where s::text like '%8931440000123456789%'`,
  );
  assert.equal(stored[0]!.n, 0);
});

test('discovered numbers are listed with the day on which they were first seen, until the document names them', async () => {
  assert.deepEqual(
    (await list({ discovered: true })).map(({ msisdn, firstSeen }) => [msisdn, firstSeen]),
    [['31633333333', '2026-03-04']],
  );
  await apply([{ msisdn: '31633333333' }]);
  assert.deepEqual(await list({ discovered: true }), []);
  assert.deepEqual(await list({ customer: 'C002' }), []);
});

test('unused are those without usage in the last whole cycles who were there all the time', async () => {
  const unused = async (cycles: number) => (await list({ unused: cycles })).map(({ msisdn }) => msisdn);
  const cycles = ['2026-02-01', '2026-03-01', '2026-04-01'];
  const used = [
    [{ msisdn: '31622222222', category: 'sms' }],
    [{ msisdn: '31622222222', category: 'recurring', eur: 5 }],
    [{ msisdn: '31633333333', category: 'sms' }],
  ];
  for (const [at, cycle] of cycles.entries()) await publish(database, contract, cycle, used[at]!);
  assert.deepEqual(await unused(3), ['31611111111']);
  assert.deepEqual(await unused(2), ['31611111111', '31622222222']);
  assert.deepEqual(await unused(4), [], 'four cycles are not there');
  await apply([{ ...told, validFrom: '2026-02-02' }]);
  assert.deepEqual(await unused(3), [], 'who came after the first of them is not counted');
  await publish(database, contract, '2099-01-01', []);
  assert.deepEqual(await unused(2), ['31611111111', '31622222222'], 'a cycle that has not ended says nothing');
});

test('a card that is none and dates in the wrong order are refused with their place', async () => {
  await assert.rejects(
    apply([{ msisdn: '31611111111', iccid: '12345', validFrom: '2026-03-02', validTo: '2026-03-01', product: 'x' }]),
    (error: Error) =>
      /subscriptions\[0\]\.iccid: "12345" must be the 18 to 20 digits/.test(error.message) &&
      /unknown key; the nearest known is "productCode"/.test(error.message),
  );
  await assert.rejects(
    apply([{ msisdn: '31611111111', validFrom: '2026-03-02', validTo: '2026-03-01' }]),
    /subscriptions\[0\]\.validTo: "2026-03-01" must be after validFrom/,
  );
});

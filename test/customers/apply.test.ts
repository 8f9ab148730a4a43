import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { applyCustomers } from '../../src/customers/apply.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { storeFound } from '../../src/providers/interpreter/found-files.ts';
import { ensureCycles } from '../../src/totals/cycles.ts';
import { loadTariff } from '../../src/totals/tariff-store.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const example = (page: string) => {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  return JSON.parse(/```json\n([\s\S]*?)```/.exec(text)![1]!);
};

describe('applying customers', () => {
  let server: TestDatabase;
  let database: Database;
  const apply = (document: unknown) => database.transaction((tx) => applyCustomers(tx, document));
  const customers = example('customers.md');

  before(async () => {
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
    await assert.rejects(apply(customers), /tariff kpn-zakelijk is not known; load it first/);
    await database.transaction((tx) => loadTariff(tx, example('tariff.md')));
  });
  after(async () => {
    await database.close();
    await server.close();
  });

  test('the example of docs/customers.md is stored as it says, once and again', async () => {
    const counts = { customers: 1, contracts: 1, subscriptions: 2, allowances: 2, profiles: 2 };
    assert.deepEqual(await apply(customers), counts);
    assert.deepEqual(await apply(customers), counts);
    const profiles = await database.query(
      `select name, every_minutes, late_days, enabled, transport ->> 'port' as port from sync_profile order by name`,
    );
    assert.deepEqual(profiles, [
      { name: 'sp16', every_minutes: 60, late_days: 10, enabled: true, port: null },
      { name: 'sp16-sftp', every_minutes: 60, late_days: 10, enabled: false, port: '22' },
    ]);
  });

  test('a cycle day that changes is refused, and nothing of the document is stored', async () => {
    const changed = structuredClone(customers);
    changed.customers[0].name = 'Another';
    changed.customers[0].contracts[0].cycleDay = 15;
    await assert.rejects(apply(changed), /cycle day 1 and zone Europe\/Amsterdam cannot be changed to 15/);
    assert.deepEqual(await database.query('select name from customer'), [{ name: 'Bakkerij Jansen' }]);
  });

  test('first and last day of a contract are stored, and cannot leave out records that are there', async () => {
    const stored = () =>
      database.query('select lower(valid)::text as first, upper(valid)::text as after from contract');
    assert.deepEqual(await stored(), [{ first: '2026-01-01', after: null }]);
    const [contract] = await database.query<{ id: string }>('select id from contract');
    await database.transaction((tx) =>
      ensureCycles(tx, { id: contract!.id, cycleDay: 1, timeZone: 'Europe/Amsterdam' }, ['2026-03-01']),
    );
    await database.query(
      `insert into cdr (contract_id, cycle_start, raw_file_id, line_no, record_key, content_hash, msisdn, kind, category, started_at,
         local_start, provider_amount_e8)
       select $1, '2026-03-01', 1, n, sha256(kind::bytea), 1, '31612345678', kind, kind, day, day, 0
       from (values (1, 'oneoff', '2026-03-01 12:00'::timestamp), (2, 'voice', '2026-03-10 12:00')) as r (n, kind, day)`,
      [contract!.id],
    );
    const withTerm = (validFrom: string, validTo?: string) => {
      const changed = structuredClone(customers);
      Object.assign(changed.customers[0].contracts[0], { validFrom, validTo });
      return apply(changed);
    };
    await assert.rejects(
      withTerm('2026-03-11'),
      /account 0000000101: validFrom 2026-03-11 leaves out records that it has, such as one of 2026-03-10/,
    );
    await assert.rejects(withTerm('2026-03-10', '2026-03-10'), /validTo.*must be after validFrom/s);
    await assert.rejects(withTerm('2026-01-01', '2026-03-10'), /validTo 2026-03-10 leaves out records/);
    await withTerm('2026-03-10', '2026-03-11');
    assert.deepEqual(await stored(), [{ first: '2026-03-10', after: '2026-03-11' }]);
    await database.query('delete from cdr');
    await apply(customers);
  });

  test('a bundle in a zone that the tariff does not have is refused: it would never cover anything there', async () => {
    const mistyped = structuredClone(customers);
    const [bundle] = mistyped.customers[0].contracts[0].subscriptions[0].allowances;
    bundle.scope.zones = ['home', 'EU'];
    delete bundle.fairUse;
    await assert.rejects(
      apply(mistyped),
      new RegExp(
        `allowance ${bundle.name} counts in zone EU, which tariff kpn-zakelijk does not have .*home, eu, world`,
      ),
    );
  });

  test('a mask that hides digits which a loaded tariff needs is refused', async () => {
    const tariff = example('tariff.md');
    tariff.tariff = 'fine';
    tariff.versions[0].rules[0].match.prefixes = ['3161234'];
    await database.transaction((tx) => loadTariff(tx, tariff));
    const masked = structuredClone(customers);
    masked.customers[0].numberMask = 5;
    await assert.rejects(
      apply(masked),
      /customer C001: numberMask 5 leaves 6 digits of such numbers, and tariff fine has the prefix 3161234;/,
    );
  });

  test('a fetch that gets through ends the suspension of its profile, and so does another transport', async () => {
    const suspended = async () =>
      (await database.query(`select suspended_reason as why from sync_profile where name = 'sp16'`))[0]!.why;
    const suspend = () => database.query(`update sync_profile set suspended_reason = 'refused' where name = 'sp16'`);
    const [row] = await database.query(`select id, contract_id from sync_profile where name = 'sp16'`);
    const input = { syncTaskId: '1', profileId: row!.id, contractId: row!.contract_id, force: true };
    await suspend();
    await database.transaction((tx) => storeFound(tx, input, []));
    assert.equal(await suspended(), null);
    await suspend();
    await apply(customers);
    assert.equal(await suspended(), 'refused');
    const moved = structuredClone(customers);
    moved.customers[0].contracts[0].profiles[0].transport.dir = '/srv/elsewhere';
    await apply(moved);
    assert.equal(await suspended(), null);
  });
});

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { lookByClock } from '../../src/alert-rules/evaluate.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { makeContract, makeFile, type TestContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

describe('alert rules by the clock', () => {
  let server: TestDatabase;
  let database: Database;
  let contract: TestContract;

  before(async () => {
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
    contract = await makeContract(database);
  });
  after(async () => {
    await database.close();
    await server.close();
  });
  beforeEach(() => database.query('delete from alert'));

  let failures: string[] = [];
  const alerts = {
    raise: ({ rule, message }: { rule: string; message: string }) => void failures.push(`${rule} ${message}`),
    resolve: () => void failures.push('resolved'),
  };
  const byClock = () => lookByClock(database, alerts);

  async function told(): Promise<string[]> {
    const rows = await database.query<{ line: string }>(
      `select concat_ws(' ', state, rule, level, subject) as line from alert order by id`,
    );
    return rows.map((row) => row.line);
  }
  const profile = (set: string) => database.query(`update sync_profile set ${set} where id = $1`, [contract.profileId]);
  const heard = (age: string) => database.query(`update raw_file set stored_at = now() - $1::interval`, [age]);
  const day = async (age: string) =>
    (await database.query(`select to_char((now() + $1::interval) at time zone 'UTC', 'YYYY-MM-DD') as day`, [age]))[0]!
      .day;

  test('a provider is silent after two periods without a file; one that was never asked is not', async () => {
    await byClock();
    assert.deepEqual(await told(), []);
    await makeFile(database, contract, 1);
    await heard('61 days');
    await byClock();
    assert.deepEqual(await told(), []);
    await heard('62 days');
    await byClock();
    await byClock();
    const silent = `provider.silent warning C001/KPN/0000000101 profile sp16 ${await day('-62 days')} 2 periods`;
    assert.deepEqual(await told(), [`open ${silent}`]);
    const ended = (days: number) =>
      database.query(`update contract set valid = daterange(null, (now() at time zone time_zone)::date - $1::int)`, [
        days,
      ]);
    await ended(30);
    await byClock();
    assert.deepEqual(await told(), [`open ${silent}`]);
    await ended(31);
    await byClock();
    assert.deepEqual(await told(), [`resolved ${silent}`]);
    await database.query('update contract set valid = null');
    await database.query('delete from alert');
    await byClock();
    // a file with header and trailer only, which is imported with no record
    const empty = await makeFile(database, contract, 2);
    await database.query(`update raw_file set state = 'imported', records = 0 where id = $1`, [empty.rawFileId]);
    await byClock();
    assert.deepEqual(await told(), [`resolved ${silent}`]);
  });

  test('a profile that says how often files come is silent sooner; one that is suspended or off is somebody else’s alert', async () => {
    await heard('3 days');
    await profile('file_every_days = 1, enabled = false');
    await byClock();
    assert.deepEqual(await told(), []);
    await profile('enabled = true');
    await byClock();
    assert.equal((await told()).length, 1);
    await profile('file_every_days = 31');
    await byClock();
    assert.match((await told())[0]!, /^resolved/);
  });

  test('a provider that is asked and answers is not silent, though it has nothing to tell', async () => {
    await heard('90 days');
    await profile(`transport = '{"kind":"rest"}'`);
    const task = `insert into sync_task (profile_id, requested_by, cycle_start, status, started_at) values ($1, 'x', '2026-03-01', $2, $3)`;
    await database.query(task, [contract.profileId, 'failed', new Date()]);
    await byClock();
    assert.match((await told()).join(), /^open provider\.silent/);
    await database.query(task, [contract.profileId, 'succeeded', new Date()]);
    await byClock();
    assert.match((await told()).join(), /^resolved provider\.silent/);
    await profile(`transport = '{"kind":"sftp"}'`);
    await byClock();
    assert.match((await told()).join(), /open provider\.silent/);
    await heard('1 day');
    await byClock();
  });

  test('a look that fails is told and tried again, and ends nothing', async () => {
    failures = [];
    await database.query(
      `insert into alert_rule (scope, type, params) values ('all', 'provider.silent', '{"periods":"x"}')`,
    );
    assert.equal(await byClock(), null);
    assert.match(failures[0]!, /^alert-rules\.failed the alert rules could not look by the clock: /);
    await database.query(`delete from alert_rule where scope = 'all'`);
    await byClock();
    assert.equal(failures[1], 'resolved');
  });

  test('credentials that end within 14 days are told, once more when they have ended, and no more when they are renewed', async () => {
    await profile(`credential_not_after = (now() at time zone 'Europe/Amsterdam')::date + 15`);
    await byClock();
    assert.deepEqual(await told(), []);
    await profile(`credential_not_after = (now() at time zone 'Europe/Amsterdam')::date + 14`);
    await byClock();
    assert.match((await told()).join(), /^open credential\.expires warning .* 14 days$/);
    await profile(`credential_not_after = (now() at time zone 'Europe/Amsterdam')::date - 1`);
    await byClock();
    assert.match((await told())[1]!, /^open credential\.expires critical .* ended$/);
    await profile(`credential_not_after = (now() at time zone 'Europe/Amsterdam')::date + 365`);
    await byClock();
    assert.deepEqual(
      (await told()).map((line) => line.split(' ')[0]),
      ['resolved', 'resolved'],
    );
  });
});

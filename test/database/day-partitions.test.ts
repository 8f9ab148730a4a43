import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ensureDayPartitions, stepLog } from '../../src/database/day-partitions.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let server: TestDatabase;
let database: Database;
before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'partitions' });
});
after(async () => {
  await database.close();
  await server.close();
});

const insert = `insert into step_log (chain_id, token, at, step, attempt, outcome, traceparent)
  values ($1, 1, (now() at time zone 'UTC')::date::timestamp at time zone 'UTC' + $2::interval, 's', 1, 'succeeded', 't')
  returning tableoid::regclass::text as home, to_char(at at time zone 'UTC', 'YYYYMMDD') as day`;

test('each of the coming days gets its partition, except one whose rows are in the rest already', async () => {
  // As a session in another zone: days must still be UTC days.
  const abroad = openDatabase(server.url, { applicationName: 'abroad', settings: [`set timezone = 'Asia/Tokyo'`] });
  const [early] = await database.query<{ day: string }>(insert, [1, '2 days 12 hours']);
  const made = (await Promise.all([ensureDayPartitions(abroad, stepLog), ensureDayPartitions(abroad, stepLog)])).flat();
  await abroad.close();
  assert.equal(made.length, 3);
  assert.equal(new Set(made).size, 3);
  assert.ok(!made.includes(`step_log_${early!.day}`));
  for (const [at, where] of [
    ['0 hours', 'partition'],
    ['23 hours 59 minutes 59.999999 seconds', 'partition'],
    ['1 day', 'partition'],
    ['2 days', 'rest'],
    ['3 days 23 hours', 'partition'],
    ['4 days', 'rest'],
  ] as const) {
    const [row] = await database.query<{ home: string; day: string }>(insert, [2, at]);
    assert.equal(row!.home, where === 'rest' ? 'step_log_rest' : `step_log_${row!.day}`, at);
  }
  assert.deepEqual(await ensureDayPartitions(database, stepLog), []);
});

test('it gives up soon rather than make every writer wait behind it', async () => {
  const reader = openDatabase(server.url, { applicationName: 'reader' });
  await database.query(`do $$ declare name text; begin
    for name in select inhrelid::regclass::text from pg_inherits where inhparent = 'step_log'::regclass and inhrelid <> 'step_log_rest'::regclass
    loop execute 'drop table ' || name; end loop; end $$`);
  await reader.read(async (session) => {
    await session.query('select count(*) from step_log_rest');
    await assert.rejects(ensureDayPartitions(database, stepLog), /lock timeout/);
  });
  await reader.close();
  assert.ok((await ensureDayPartitions(database, stepLog)).length > 0);
});

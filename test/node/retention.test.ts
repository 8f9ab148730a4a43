import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { carryFinished } from '../../src/chains/history.ts';
import { chainHistory, dropOldPartitions, ensureDayPartitions, stepLog } from '../../src/database/day-partitions.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { removeOld } from '../../src/node/retention.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let server: TestDatabase;
let database: Database;
before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'retention' });
});
after(async () => {
  await database.close();
  await server.close();
});

const resolved: string[] = [];
const alerts = { resolve: (rule: string, subject: string) => void resolved.push(`${rule} ${subject}`) };
const keep = { chainDays: 90, auditDays: 400 };

async function idsOf(table: string, column = 'id'): Promise<string[]> {
  const rows = await database.query<{ id: string }>(`select ${column}::text as id from ${table} order by 1`);
  return rows.map(({ id }) => id);
}

/** SQL for the UTC day so many days ago. */
const day = (ago: number) => `((now() at time zone 'UTC')::date - ${ago})`;
const noon = (ago: number) => `((${day(ago)} + time '12:00') at time zone 'UTC')`;

async function nameOf(table: string, ago: number): Promise<string> {
  const [row] = await database.query<{ name: string }>(`select to_char(${day(ago)}, 'YYYYMMDD') as name`);
  return `${table}_${row!.name}`;
}

test('days past retention are dropped whole, of the log and of history, and no other day', async () => {
  // as if it had run for a hundred days: partitions of old days exist because chains ended then
  await database.query(
    `insert into chain (name, step, state, traceparent, input, finished_at) values ('old', 'a', 'succeeded', 't', '{}', ${noon(80)})`,
  );
  await ensureDayPartitions(database, chainHistory, 90);
  await ensureDayPartitions(database, stepLog, 90);
  for (const ago of [89, 90, 91, 92]) {
    for (const table of ['step_log', 'chain_history']) {
      const name = await nameOf(table, ago);
      const [bounds] = await database.query(`select ${day(ago)}::text as lower, ${day(ago - 1)}::text as upper`);
      await database.query(`drop table if exists ${name}`);
      await database.query(
        `create table ${name} partition of ${table} for values from ('${bounds!.lower} 00:00+00') to ('${bounds!.upper} 00:00+00')`,
      );
    }
    await database.query(
      `insert into step_log (chain_id, token, at, step, attempt, outcome, traceparent) values (${ago}, 1, ${noon(ago)}, 'a', 1, 'succeeded', 't')`,
    );
  }
  const dropped = [];
  for (const table of ['chain_history', 'step_log']) for (const ago of [92, 91]) dropped.push(await nameOf(table, ago));
  const two = await Promise.all([removeOld(database, alerts, keep), removeOld(database, alerts, keep)]);
  assert.deepEqual([...new Set(two.flatMap(({ partitions }) => partitions))].sort(), dropped.sort());
  assert.deepEqual(await idsOf('step_log', 'chain_id'), ['89', '90']);
  assert.deepEqual((await removeOld(database, alerts, keep)).partitions, []);
});

test('a partition that cannot be locked at once is left for the next time', async () => {
  const name = await nameOf('step_log', 90);
  const reader = openDatabase(server.url, { applicationName: 'reader', max: 1 });
  await reader.read(async (session) => {
    await session.query('select count(*) from step_log');
    const removed = await removeOld(database, alerts, { ...keep, chainDays: 89 });
    assert.deepEqual(removed.busy, ['step_log']);
    assert.deepEqual(await database.query('select to_regclass($1) is not null as there', [name]), [{ there: true }]);
  });
  await reader.close();
  assert.deepEqual(await dropOldPartitions(database, stepLog, 89), [name]);
});

test('rows that landed in the rest do not pile up there', async () => {
  await database.query(
    `insert into step_log_rest (chain_id, token, at, step, attempt, outcome, traceparent)
     select n, 1, now() - interval '200 days', 'a', 1, 'succeeded', 't' from generate_series(1, 25) n`,
  );
  const first = await removeOld(database, alerts, keep, 20);
  assert.equal(first.rows.step_log_rest, 20);
  assert.equal(first.more, true);
  const second = await removeOld(database, alerts, keep, 20);
  assert.deepEqual([second.rows, second.more], [{ step_log_rest: 5 }, false]);
});

test('no day of chains is dropped while an older day of the log is there: a parent could not know that its children are gone', async () => {
  const ago = 120;
  for (const table of ['step_log', 'chain_history']) {
    const [bounds] = await database.query(`select ${day(ago)}::text as lower, ${day(ago - 1)}::text as upper`);
    await database.query(
      `create table ${await nameOf(table, ago)} partition of ${table} for values from ('${bounds!.lower} 00:00+00') to ('${bounds!.upper} 00:00+00')`,
    );
  }
  const reader = openDatabase(server.url, { applicationName: 'reader', max: 1 });
  await reader.read(async (session) => {
    await session.query('select count(*) from step_log');
    const { partitions, busy } = await removeOld(database, alerts, keep);
    assert.deepEqual([partitions, busy], [[], ['step_log']]);
  });
  await reader.close();
  const { partitions } = await removeOld(database, alerts, keep);
  assert.deepEqual(partitions, [await nameOf('step_log', ago), await nameOf('chain_history', ago)]);
});

test('intents go with the last trace of their chain, and alerts about chains that wait for nobody are resolved', async () => {
  await database.query('truncate chain, chain_history, alert');
  const [open, moved] = await database.query<{ id: string }>(
    `insert into chain (name, step, state, traceparent, input, finished_at) values
       ('open', 'a', 'dead', 't', '{}', null), ('moved', 'a', 'failed', 't', '{}', now() - interval '2 hours') returning id`,
  );
  await carryFinished(database, { keepMs: 3_600_000, limit: 10 });
  await database.query(
    `insert into effect_intent (chain_id, step, token, at)
     select id, 'a', 1, now() - interval '100 days' from unnest($1::bigint[]) id`,
    [[open!.id, moved!.id, '999999']],
  );
  await database.query(
    `insert into effect_intent (chain_id, step, token, at) values (999998, 'a', 1, now() - interval '1 day')`,
  );
  await database.query(
    `insert into alert (rule, subject, level, message) values
       ('chain.dead', 'chain ${open!.id}', 'critical', 'm'), ('chain.blocked', 'chain ${open!.id}', 'critical', 'm'),
       ('chain.dead', 'chain ${moved!.id}', 'critical', 'm'), ('chain.quarantined', 'chain 999999', 'critical', 'm'),
       ('chain.dead', 'chain of thought', 'critical', 'm'), ('node.ended', 'chain 999999', 'critical', 'm')`,
  );
  resolved.length = 0;
  const { rows } = await removeOld(database, alerts, keep);
  assert.deepEqual(rows, { effect_intent: 1 });
  assert.deepEqual(await idsOf('effect_intent', 'chain_id'), [open!.id, moved!.id, '999998'].sort());
  assert.deepEqual(
    resolved.sort(),
    [`chain.blocked chain ${open!.id}`, `chain.dead chain ${moved!.id}`, 'chain.quarantined chain 999999'].sort(),
  );
});

test('rows of the other tables go when they are too old, and what is still needed stays', async () => {
  await database.query('truncate chain, chain_history, effect_intent, alert');
  await database.query(
    `insert into node (id, host, pid, release, state, beat_at) select gen_random_uuid(), host, 1, '0.1.0', state, now() - age
     from (values ('gone', 'ended', interval '25 hours'), ('dead', 'dead', '25 hours'), ('today', 'dead', '23 hours'),
                  ('live', 'live', '25 hours'), ('owner', 'dead', '25 hours')) n (host, state, age)`,
  );
  await database.query(
    `insert into chain (name, step, state, owner, traceparent, input)
     select 'held', 'a', 'running', id, 't', '{}' from node where host = 'owner'`,
  );
  await database.query(
    `insert into schedule (name, cron, chain, next_due_at) values ('yearly', '0 0 1 1 *', 'x', now()), ('daily', '0 0 * * *', 'x', now())`,
  );
  await database.query(
    `insert into schedule_slot (schedule, due_at, result) values
       ('yearly', now() - interval '2 years', 'fired'), ('yearly', now() - interval '1 year', 'fired'),
       ('yearly', now() - interval '100 days', 'skipped'),
       ('daily', now() - interval '91 days', 'fired'), ('daily', now() - interval '89 days', 'fired')`,
  );
  await database.query(
    `insert into routing_decision (at, sync_type, result) select now() - n * interval '30 days', 'X', 'failed' from generate_series(1, 6) n`,
  );
  await database.query(`update routing_decision set at = now() - (7 - id) * interval '29 days'`);
  await database.query(
    `insert into alert (rule, subject, level, message, state, first_at, resolved_at) values
       ('a', 'old', 'info', 'm', 'resolved', now() - interval '1 year', now() - interval '91 days'),
       ('b', 'ended lately', 'info', 'm', 'resolved', now() - interval '1 year', now() - interval '1 day'),
       ('c', 'open', 'info', 'm', 'open', now() - interval '1 year', null)`,
  );
  await database.query(
    `insert into audit (at, actor, action, subject) values
       (now() - interval '401 days', 'anna', 'x', 'old'), (now() - interval '399 days', 'anna', 'x', 'kept')`,
  );
  const { rows } = await removeOld(database, alerts, keep);
  assert.deepEqual(rows, { node: 2, schedule_slot: 3, routing_decision: 3, alert: 1, audit: 1 });
  assert.deepEqual(await idsOf('node', 'host'), ['live', 'owner', 'today']);
  assert.deepEqual(await idsOf('alert', 'rule'), ['b', 'c']);
  assert.deepEqual(await idsOf('audit', 'subject'), ['kept']);
  assert.deepEqual(await idsOf('routing_decision'), ['4', '5', '6']);
  assert.deepEqual(await idsOf('schedule_slot', `schedule || ' ' || (now()::date - due_at::date > 89)`), [
    'daily false',
    'yearly true',
  ]);
});

/**
 * Schedules of a running service whose clock is an hour ahead: run by hand, late, and a chain that stops without failing.
 * The test only changes rows; what notices is the service.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import type { AlertView, ScheduleDetailView, ScheduleRunView } from '../../src/admin/views.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { restartedActors, stateDirectory } from '../support/recovery.ts';
import { call, type RunningService, startService, until, working } from '../support/service.ts';

/** What faketime gives a program that it starts. */
function hourAhead(): Record<string, string> {
  const printed = execFileSync('faketime', ['-f', '+1h', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' });
  return { LD_PRELOAD: printed.trim(), FAKETIME: '+1h', DONT_FAKE_MONOTONIC: '1' };
}

let server: TestDatabase;
let database: Database;
let service: RunningService;
before(async () => {
  server = await emptyDatabase();
  service = startService({ databaseUrl: server.url, stateDirectory: stateDirectory(), env: hourAhead() });
  await working(service);
  database = openDatabase(server.url, { applicationName: 'test', max: 2, onError: () => {} });
});
after(async () => {
  await service.stop();
  await database.close();
  await server.close();
});

const ask = <T>(method: 'GET' | 'POST', path: string, body?: unknown) => call<T>(service.socket, method, path, body);

/** The open alert of that rule, or false. The auditor looks at once and not in ten seconds. */
async function openAlert(rule: string): Promise<AlertView | false> {
  await ask('POST', '/actors/guardians/auditor', 'look');
  return (await ask<AlertView[]>('GET', '/alerts?state=open')).find((alert) => alert.rule === rule) ?? false;
}

test('the service says that its clock is wrong, and fires by the clock of the database', async () => {
  const alert = await until('the alert', () => openAlert('node.clock-offset'));
  assert.match(alert.message, /is 3\d{3}\.\d s ahead of the database's/);
  const [node] = await database.query(`select clock_offset_ms as ms from node where state = 'live'`);
  assert.ok(Math.abs(node!.ms - 3_600_000) < 60_000, `${node!.ms}`);
  const [row] = await database.query(
    `select next_due_at > now() and next_due_at <= now() + interval '5 minutes' as ahead
     from schedule where name = 'sync:manager'`,
  );
  assert.equal(row!.ahead, true);
  const [early] = await database.query('select count(*)::int as n from schedule_slot where due_at > at');
  assert.equal(early!.n, 0);
});

test('a schedule that a person runs succeeds beside its plan, and it is known who asked', async () => {
  const before = await ask<ScheduleDetailView>('GET', '/schedules/sync:manager');
  const slot = await ask<ScheduleRunView>('POST', '/schedules/sync:manager/run', {});
  const state = async () =>
    (await database.query('select state::text from chain where id = $1', [slot.chainId]))[0]?.state;
  await until('its chain to succeed', async () => (await state()) === 'succeeded');
  const shown = await ask<ScheduleDetailView>('GET', '/schedules/sync:manager');
  assert.equal(shown.nextDueAt, before.nextDueAt);
  assert.deepEqual(
    shown.slots
      .filter(({ chainId }) => chainId === slot.chainId)
      .map(({ result, requestedBy }) => [result, requestedBy]),
    [['fired', 'socket']],
  );
  const audit = await database.query(`select actor, subject from audit where action = 'schedule.run'`);
  assert.deepEqual(audit, [{ actor: 'socket', subject: 'sync:manager' }]);
});

test('a schedule that cannot fire is an alert with the reason, until it fires', async () => {
  await database.query(
    `insert into schedule (name, cron, time_zone, chain, next_due_at)
     values ('broken', '*/5 * * * *', 'Europe/Amsterdm', 'sync-manager', now() - interval '2 minutes')`,
  );
  await until('its error', async () => (await ask<ScheduleDetailView>('GET', '/schedules/broken')).error);
  // late for longer than it may be: a minute
  await database.query(`update schedule set next_due_at = now() - interval '1 hour' where name = 'broken'`);
  const alert = await until('the alert', () => openAlert('schedule.late'));
  assert.match(alert.message, /schedule broken was due at .* has not fired: time zone "Europe\/Amsterdm" is unknown/);
  await database.query(`update schedule set time_zone = 'Europe/Amsterdam' where name = 'broken'`);
  await until('the alert to be resolved', async () => (await openAlert('schedule.late')) === false);
  const { slots, error } = await ask<ScheduleDetailView>('GET', '/schedules/broken');
  assert.deepEqual([slots[0]!.result, error], ['fired', null]);
});

test('a chain that stops although nothing fails is an alert until it succeeds', async () => {
  for (const name of ['sync:manager', 'broken']) await ask('POST', `/schedules/${name}/disable`, {});
  await until('a look at its success', async () => {
    await openAlert('chain.expected');
    return (await database.query('select from chain_expectation where last_success_at is not null')).length > 0;
  });
  // as if all of that was twenty minutes ago
  await database.query(
    `update chain set finished_at = finished_at - interval '20 minutes' where name = 'sync-manager'`,
  );
  await database.query(
    `update chain_expectation set since = since - interval '20 minutes',
       last_success_at = last_success_at - interval '20 minutes'`,
  );
  const alert = await until('the alert', () => openAlert('chain.expected'));
  assert.match(alert.message, /sync-manager is expected to succeed every 15 min and last succeeded at/);
  await ask('POST', '/schedules/sync:manager/run', {});
  await until('the alert to be resolved', async () => (await openAlert('chain.expected')) === false);
  assert.deepEqual(await restartedActors(service), []);
});

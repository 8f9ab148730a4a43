import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import type { Channel } from '../../src/alerts/channel.ts';
import { systemClock } from '../../src/alerts/clock.ts';
import { type AlertOptions, type AlertService, openAlerts } from '../../src/alerts/open-alerts.ts';
import { webhookChannel } from '../../src/alerts/webhook.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { createLog } from '../../src/log/log.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { openReceiver, type Receiver } from './receiver.ts';

let real: TestDatabase;
let database: Database;
let receiver: Receiver;
let stateDirectory: string;
let lines: string[];
let opened: AlertService[];
let up: boolean;

before(async () => {
  real = await testDatabase();
  database = openDatabase(real.url, { applicationName: 'alerts test' });
});
after(async () => {
  await database.close();
  await real.close();
});
beforeEach(async () => {
  await database.query('delete from alert');
  receiver = await openReceiver();
  stateDirectory = mkdtempSync(join(tmpdir(), 'lk-alerts-'));
  lines = [];
  opened = [];
  up = true;
});
afterEach(async () => {
  for (const alerts of opened) await alerts.close(500);
  await receiver.close();
  rmSync(stateDirectory, { recursive: true, force: true });
});

function open(options: Partial<AlertOptions> = {}): AlertService {
  const alerts = openAlerts({
    database,
    log: createLog({ destination: { write: (line: string) => void lines.push(line) } }),
    stateDirectory,
    channels: [webhookChannel({ url: receiver.url, timeoutMs: 1_000 })],
    clock: systemClock,
    availability: { isUp: () => up },
    sweepMs: null,
    retryDelaysMs: [1, 1],
    ...options,
  });
  opened.push(alerts);
  return alerts;
}

const late = {
  rule: 'sync.late',
  subject: 'profile 12',
  level: 'warning',
  message: 'profile 12 has not synced for 3 h',
} as const;

test('an alert becomes a row, a log line and one notice to the channel', async () => {
  const alerts = open();
  alerts.raise({ ...late, detail: { hours: 3 } });
  await alerts.flush(5_000);
  const [row] = await alerts.list({ state: 'open' });
  assert.equal(row!.rule, 'sync.late');
  assert.deepEqual(row!.detail, { hours: 3 });
  assert.ok(row!.notifiedAt);
  assert.equal(receiver.got.length, 1);
  const { firstAt, lastAt, ...notice } = receiver.got[0]!;
  assert.ok(firstAt && lastAt);
  assert.deepEqual(notice, {
    ...late,
    source: 'linekeeper',
    status: 'open',
    occurrences: 1,
    detail: { hours: 3 },
  });
  const line = JSON.parse(lines.find((text) => text.includes('sync.late'))!);
  assert.equal(line.level, 'warn');
  assert.equal(line.message, late.message);
});

test('raised again it only counts up, is told once, and resolved it is closed and taken back', async () => {
  const alerts = open();
  for (let i = 0; i < 50; i += 1) alerts.raise(late);
  await alerts.flush(5_000);
  alerts.raise(late);
  await alerts.flush(5_000);
  assert.deepEqual(
    (await alerts.list({})).map((row) => [row.state, row.occurrences]),
    [['open', 51]],
  );
  assert.equal(receiver.got.length, 1);
  alerts.resolve(late.rule, late.subject);
  alerts.resolve(late.rule, late.subject);
  await alerts.flush(5_000);
  assert.deepEqual(
    receiver.got.map((notice) => notice.status),
    ['open', 'resolved'],
  );
  alerts.raise(late);
  await alerts.flush(5_000);
  assert.deepEqual(
    (await alerts.list({})).map((row) => [row.state, row.occurrences]),
    [
      ['open', 1],
      ['resolved', 51],
    ],
  );
  assert.equal(receiver.got.length, 3);
});

test('an open alert is told again after the reminder time, an info is not', async () => {
  const alerts = open({ reminderMs: 900_000 });
  alerts.raise(late);
  alerts.raise({ ...late, rule: 'sync.note', level: 'info' });
  await alerts.flush(5_000);
  await alerts.sweep();
  await alerts.flush(5_000);
  assert.equal(receiver.got.length, 2);
  await database.query("update alert set notified_at = now() - interval '15 minutes'");
  await alerts.sweep();
  await alerts.flush(5_000);
  assert.deepEqual(
    receiver.got.slice(2).map((notice) => [notice.rule, notice.status]),
    [['sync.late', 'reminder']],
  );
});

test('an alert without reminders is told once, and again when it is of something else, also while the database is away', async () => {
  const alerts = open({ reminderMs: 0 });
  const found = (findings: string, message: string) => ({ ...late, message, detail: { findings }, once: true });
  for (const isUp of [true, false, true]) {
    up = isUp;
    for (const alert of [found('a', 'of generation 1'), found('a', 'of generation 2')]) {
      alerts.raise({ ...alert, detail: { ...alert.detail, isUp } });
      await alerts.flush(5_000);
      await alerts.sweep();
      await alerts.flush(5_000);
    }
  }
  assert.deepEqual(
    receiver.got.map(({ status, message }) => [status, message]),
    Array(3).fill(['open', 'of generation 1']),
  );
  const [row, ...more] = await alerts.list({});
  assert.deepEqual([row!.message, row!.occurrences, more.length], ['of generation 2', 6, 0]);
});

test('what a rule over totals wrote is told once without reminders, and its end to those who heard of it', async () => {
  const alerts = open({ reminderMs: 900_000 });
  const insert = `insert into alert (rule, subject, level, message, remind) values ('usage.spike', $1, 'warning', 'x', false)`;
  await database.query(insert, ['heard']);
  await alerts.sweep();
  await alerts.flush(5_000);
  await database.query("update alert set notified_at = now() - interval '15 minutes'");
  await database.query(insert, ['unheard']);
  await database.query("update alert set state = 'resolved', resolved_at = now(), take_back = notified_at is not null");
  for (const _round of [1, 2]) {
    await alerts.sweep();
    await alerts.flush(5_000);
  }
  assert.deepEqual(
    receiver.got.map((notice) => [notice.subject, notice.status]),
    [
      ['heard', 'open'],
      ['heard', 'resolved'],
    ],
  );
});

test('an alert that gets worse is told at once, and its level never falls while it is open', async () => {
  const alerts = open();
  for (const level of ['warning', 'critical', 'warning'] as const) {
    alerts.raise({ ...late, level });
    await alerts.flush(5_000);
  }
  assert.deepEqual(
    receiver.got.map((notice) => notice.level),
    ['warning', 'critical'],
  );
  assert.equal((await alerts.list({}))[0]!.level, 'critical');
});

test('of several nodes one tells', async () => {
  const nodes = [open(), open(), open()];
  for (const node of nodes) node.raise(late);
  for (const node of nodes) await node.flush(5_000);
  assert.equal(receiver.got.length, 1);
  assert.equal((await nodes[0]!.list({}))[0]!.occurrences, 3);
});

test('a notice that no channel took is told by a later round, when the claim has lapsed', async () => {
  receiver.answers.push(500, 500, 500);
  const alerts = open();
  alerts.raise(late);
  await alerts.flush(5_000);
  assert.equal(receiver.got.length, 3);
  assert.equal((await alerts.list({}))[0]!.notifiedAt, null);
  await alerts.sweep();
  assert.equal(receiver.got.length, 3);
  await database.query("update alert set notify_claimed_at = now() - interval '1 minute'");
  await alerts.sweep();
  await alerts.flush(5_000);
  assert.equal(receiver.got.length, 4);
  assert.ok((await alerts.list({}))[0]!.notifiedAt);
});

test('a receiver that hangs delays neither the row, nor another channel, nor the caller, nor the end', async () => {
  const hanging: Channel = {
    name: 'hanging',
    send: (_notice, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('given up')))),
  };
  const alerts = open({ channels: [hanging, webhookChannel({ url: receiver.url })] });
  alerts.raise(late);
  alerts.raise({ ...late, subject: 'profile 13' });
  await receiver.arrived(2);
  await alerts.flush(200);
  assert.equal((await alerts.list({ state: 'open' })).length, 2);
  const startedAtMs = performance.now();
  await alerts.close(100);
  assert.ok(performance.now() - startedAtMs < 1_000);
});

test('without a channel alerts are stored and the missing channel is a warning', async () => {
  const alerts = open({ channels: [] });
  alerts.raise(late);
  await alerts.flush(5_000);
  assert.equal((await alerts.list({})).length, 1);
  assert.deepEqual(alerts.warnings(), ['no alert channel is configured: nobody would be told']);
  assert.deepEqual(open().warnings(), []);
});

test('a test reaches every channel and says which one failed', async () => {
  const gone = await openReceiver();
  await gone.close();
  const alerts = open({ channels: [webhookChannel({ url: receiver.url }), webhookChannel({ url: gone.url })] });
  const [good, bad] = await alerts.test('anna');
  assert.deepEqual([good!.ok, bad!.ok], [true, false]);
  assert.match(bad!.error!, /did not answer: ECONNREFUSED/);
  assert.equal(receiver.got[0]!.status, 'test');
  assert.equal((await alerts.list({})).length, 0);
});

test('no phone number, secret, NUL byte or half surrogate reaches a row or a channel', async () => {
  const alerts = open();
  alerts.raise({
    rule: 'x',
    subject: 'msisdn 31612345678',
    level: 'critical',
    message: 'call\0 to 0031612345678 \ud800',
    detail: { msisdn: '31612345678', password: 'hunter2', nested: ['31612345678\0'], big: 7n },
  });
  await alerts.flush(5_000);
  const text = JSON.stringify([await alerts.list({}), receiver.got]) + lines.join();
  assert.equal(receiver.got.length, 1);
  assert.ok(!/1612345678|hunter2/.test(text), text);
});

test('an alert that the database refuses is told and logged, and the next one is stored', async () => {
  const alerts = open();
  await database.query('alter table alert add constraint refuse check (rule <> $$bad$$)');
  try {
    alerts.raise({ ...late, rule: 'bad' });
    alerts.raise(late);
    await alerts.flush(5_000);
    assert.deepEqual(
      (await alerts.list({})).map((row) => row.rule),
      ['sync.late'],
    );
    assert.deepEqual(receiver.got.map((notice) => notice.rule).sort(), ['bad', 'sync.late']);
    assert.ok(lines.some((line) => line.includes('could not be stored')));
  } finally {
    await database.query('alter table alert drop constraint refuse');
  }
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { systemClock } from '../../src/alerts/clock.ts';
import { type AlertOptions, type AlertService, openAlerts } from '../../src/alerts/open-alerts.ts';
import { webhookChannel } from '../../src/alerts/webhook.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { type Database, PoolBusyError } from '../../src/database/session.ts';
import { createLog } from '../../src/log/log.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { openReceiver, type Receiver } from './receiver.ts';

/** The service reaches PostgreSQL through a socket of its own, which the test takes away and gives back. */
let real: TestDatabase;
let watching: Database;
let directory: string;
let socket: string;
let lines: string[];
let receiver: Receiver;
let opened: { alerts: AlertService; database: Database }[];
let nowMs: number;

before(async () => {
  real = await testDatabase();
  watching = openDatabase(real.url, { applicationName: 'watching' });
});
after(async () => {
  await watching.close();
  await real.close();
});
beforeEach(async () => {
  await watching.query('delete from alert');
  directory = mkdtempSync(join(tmpdir(), 'lk-away-'));
  socket = join(directory, '.s.PGSQL.5432');
  receiver = await openReceiver();
  opened = [];
  lines = [];
  nowMs = Date.now();
  giveBack();
});
afterEach(async () => {
  for (const { alerts, database } of opened) {
    await alerts.close(500);
    await database.close();
  }
  await receiver.close();
  rmSync(directory, { recursive: true, force: true });
});

function giveBack(): void {
  const host = new URL(real.url.replace('@/', '@socket/')).searchParams.get('host')!;
  symlinkSync(join(host, '.s.PGSQL.5432'), socket);
}

async function takeAway(): Promise<void> {
  rmSync(socket);
  await watching.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'served'");
}

function open(options: Partial<AlertOptions> = {}): AlertService {
  const url = real.url.replace(/host=[^&]*/, `host=${encodeURIComponent(directory)}`);
  const database = openDatabase(url, { applicationName: 'served' });
  const alerts = openAlerts({
    database,
    log: createLog({ destination: { write: (line: string) => void lines.push(line) } }),
    stateDirectory: join(directory, 'state'),
    channels: [webhookChannel({ url: receiver.url })],
    clock: { ...systemClock, nowMs: () => nowMs },
    availability: { isUp: () => true },
    sweepMs: null,
    retryDelaysMs: [1],
    ...options,
  });
  opened.push({ alerts, database });
  return alerts;
}

const down = {
  rule: 'database.down',
  subject: 'database',
  level: 'critical',
  message: 'the database is away',
} as const;
const spoolLines = () => {
  const path = join(directory, 'state', 'alerts.jsonl');
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
};
const rows = () => watching.query('select rule, state, occurrences, notified_at from alert order by id');

test('while the database is away an alert goes to the file and to the channel, and is written afterwards, once', async () => {
  const alerts = open();
  await takeAway();
  alerts.raise(down);
  await alerts.flush(5_000);
  assert.equal(receiver.got.length, 1);
  assert.deepEqual(
    spoolLines().map((line) => [line.rule, line.occurrences, line.notifiedAt !== null]),
    [['database.down', 1, true]],
  );
  assert.deepEqual(await rows(), []);
  giveBack();
  await alerts.sweep();
  await alerts.sweep();
  await alerts.flush(5_000);
  const [row, ...more] = await rows();
  assert.deepEqual([row!.rule, row!.state, row!.occurrences, more.length], ['database.down', 'open', 1, 0]);
  assert.ok(row!.notified_at);
  assert.deepEqual(spoolLines(), []);
  assert.equal(receiver.got.length, 1);
});

test('a restarted process neither raises nor tells it again, and reminds when it is time', async () => {
  await takeAway();
  for (let boot = 0; boot < 5; boot += 1) {
    const alerts = open();
    alerts.raise(down);
    await alerts.flush(5_000);
  }
  assert.equal(receiver.got.length, 1);
  assert.deepEqual(
    spoolLines().map((line) => line.occurrences),
    [5],
  );
  nowMs += 900_000;
  const alerts = open();
  await alerts.sweep();
  await alerts.flush(5_000);
  assert.deepEqual(
    receiver.got.map((notice) => notice.status),
    ['open', 'reminder'],
  );
  giveBack();
  await alerts.sweep();
  assert.deepEqual(
    (await rows()).map((row) => row.occurrences),
    [5],
  );
});

test('raised and resolved while away it is one closed row, told and taken back', async () => {
  await takeAway();
  const alerts = open();
  alerts.raise(down);
  await alerts.flush(5_000);
  alerts.resolve(down.rule, down.subject);
  alerts.raise({ ...down, rule: 'still.open' });
  await alerts.flush(5_000);
  giveBack();
  await alerts.sweep();
  assert.deepEqual(
    (await rows()).map((row) => [row.rule, row.state]),
    [
      ['database.down', 'resolved'],
      ['still.open', 'open'],
    ],
  );
  assert.deepEqual(
    receiver.got.map((notice) => [notice.rule, notice.status]),
    [
      ['database.down', 'open'],
      ['database.down', 'resolved'],
      ['still.open', 'open'],
    ],
  );
});

test('an alert that was open before goes on in its row, and its end while away closes it', async () => {
  const alerts = open();
  alerts.raise(down);
  alerts.raise({ ...down, rule: 'other' });
  await alerts.flush(5_000);
  await takeAway();
  alerts.raise(down);
  alerts.resolve('other', down.subject);
  await alerts.flush(5_000);
  giveBack();
  await alerts.sweep();
  await alerts.flush(5_000);
  assert.deepEqual(
    (await rows()).map((row) => [row.rule, row.state, row.occurrences]),
    [
      ['database.down', 'open', 2],
      ['other', 'resolved', 1],
    ],
  );
  assert.deepEqual(
    receiver.got.map((notice) => [notice.rule, notice.status]),
    [
      ['database.down', 'open'],
      ['other', 'open'],
      ['other', 'resolved'],
    ],
  );
});

test('a process that dies between the commit and the removal of the file writes nothing twice', async () => {
  await takeAway();
  const alerts = open();
  alerts.raise(down);
  alerts.raise({ ...down, rule: 'ended' });
  alerts.resolve('ended', down.subject);
  await alerts.flush(5_000);
  const kept = readFileSync(join(directory, 'state', 'alerts.jsonl'));
  giveBack();
  await alerts.sweep();
  writeFileSync(join(directory, 'state', 'alerts.jsonl'), kept);
  const restarted = open();
  await restarted.sweep();
  await restarted.flush(5_000);
  assert.deepEqual(
    (await rows()).map((row) => [row.rule, row.state, row.occurrences]),
    [
      ['database.down', 'open', 1],
      ['ended', 'resolved', 1],
    ],
  );
  assert.deepEqual(spoolLines(), []);
});

test('a database that takes connections and never answers counts as away', async () => {
  await takeAway();
  const held: Socket[] = [];
  const silent = createServer((connection) => void held.push(connection));
  silent.listen(socket);
  await once(silent, 'listening');
  try {
    const alerts = open({ statementMs: 100 });
    alerts.raise(down);
    await receiver.arrived(1);
    await alerts.flush(2_000);
    assert.equal(spoolLines().length, 1);
  } finally {
    for (const connection of held) connection.destroy();
    silent.close();
    await once(silent, 'close');
  }
});

test('an alert that finds no free session is kept in the file and stored later', async () => {
  const alerts = open();
  const { database } = opened.at(-1)!;
  const { query, transaction } = database;
  const busy = () => Promise.reject(new PoolBusyError('no session for 5 s'));
  Object.assign(database, { query: busy, transaction: busy });
  alerts.raise(down);
  await alerts.flush(5_000);
  assert.equal(spoolLines().length, 1);
  Object.assign(database, { query, transaction });
  await alerts.sweep();
  assert.deepEqual(
    (await rows()).map((row) => row.rule),
    ['database.down'],
  );
});

test('a file with a broken line keeps its other alerts and says which line', async () => {
  await takeAway();
  const alerts = open();
  alerts.raise(down);
  await alerts.flush(5_000);
  const path = join(directory, 'state', 'alerts.jsonl');
  writeFileSync(path, `{"rule":\n${readFileSync(path, 'utf8')}`);
  giveBack();
  await open().sweep();
  assert.deepEqual(
    (await rows()).map((row) => row.rule),
    ['database.down'],
  );
  assert.ok(
    lines.some((line) => /alerts\.jsonl line 1 is no alert/.test(line)),
    lines.join(),
  );
});

test('a state directory that cannot be written loses nothing while the process lives, and is a warning', async () => {
  await takeAway();
  writeFileSync(join(directory, 'state'), 'not a directory');
  const alerts = open();
  alerts.raise(down);
  await alerts.flush(5_000);
  assert.equal(receiver.got.length, 1);
  assert.match(alerts.warnings()[0]!, /alerts\.jsonl cannot be written/);
  giveBack();
  await alerts.sweep();
  assert.deepEqual(
    (await rows()).map((row) => row.rule),
    ['database.down'],
  );
});

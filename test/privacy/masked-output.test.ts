/**
 * P8 of domain.md: a whole service syncs real numbers, good lines and bad ones, and nothing that leaves it without somebody
 * asking for numbers holds one in full: its log at the finest level, what every door answers, alerts, audit, chains, their logs and
 * their trace context.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { startSync, stateDirectory, syncEnds } from '../support/recovery.ts';
import { type RunningService, startService, until, working } from '../support/service.ts';
import { makeWorld, type World } from '../support/world.ts';

const scratch = mkdtempSync(join(tmpdir(), 'masked-'));
let world: World;
let database: Database;
let service: RunningService;
/** Every number of nine digits or more that the files hold, as E.164 and as it is dialled at home. */
let numbers: ReadonlySet<string>;

before(async () => {
  const plan = join(scratch, 'faults.json');
  const faults = [
    { customer: 'C001', month: '2026-03', fault: 'F12', arg: 'garbage' },
    { customer: 'C002', month: '2026-03', fault: 'F11' },
  ];
  writeFileSync(plan, JSON.stringify(faults));
  const size = ['--records', '8000', '--subs', '12', '--customers', '2', '--months', '2026-03'];
  world = await makeWorld([...size, '--faults', plan]);
  numbers = numbersIn(join(world.directory, 'drops'));
  const url = await world.database();
  database = openDatabase(url, { applicationName: 'test', max: 2 });
  const state = stateDirectory();
  const env = { LINEKEEPER_ARCHIVE_DIRECTORY: join(state, 'archive'), LINEKEEPER_LOG_LEVEL: 'debug' };
  service = startService({ databaseUrl: url, stateDirectory: state, env });
  await working(service);
  for (const customer of ['C001', 'C002']) await syncEnds(service, (await startSync(service, customer)).task);
  await until('the alert rules to have looked', async () => {
    const [row] = await database.query(
      `select (select count(*) from alert where rule like 'usage.%')::int as told, (select count(*) from alert_due)::int as due`,
    );
    return row!.told > 0 && row!.due === 0 && service.output().includes('usage.');
  });
});
after(async () => {
  await service?.stop();
  await database?.close();
  await world?.close();
  rmSync(scratch, { recursive: true });
});

function numbersIn(directory: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.gz')) continue;
    for (const line of gunzipSync(readFileSync(join(directory, entry)))
      .toString('latin1')
      .split('\r\n')) {
      if (!/^[12]0/.test(line)) continue;
      for (const digits of [line.slice(14, 29), line.slice(29, 53)].map((field) => field.replace(/\D/g, ''))) {
        if (digits.length < 9) continue;
        const number = digits.replace(/^00/, '');
        found.add(number);
        if (number.startsWith('31')) found.add(`0${number.slice(2)}`);
      }
    }
  }
  return found;
}

/** Also behind other digits, as in a line of fixed width. */
function shownIn(text: string): string[] {
  const runs = text.match(/\d{9,}/g) ?? [];
  const tails = runs.flatMap((run) => [9, 10, 11, 12, 13, 14, 15].map((length) => run.slice(-length)));
  return [...new Set(tails.filter((tail) => numbers.has(tail)))];
}

function ask(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: service.socket, path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(`${path}: ${text}`))));
    });
    asked.on('error', reject).end();
  });
}

test('what is looked for is there: the scan finds numbers where somebody asks for them', async () => {
  assert.ok(numbers.size > 100, String(numbers.size));
  assert.ok(shownIn(await ask('/subscriptions?customer=C001&numbers=true')).length >= 5);
  const [rows] = await database.query('select count(*)::int as records from cdr');
  assert.ok(rows!.records > 4_000, String(rows!.records));
  const [told] = await database.query(`select count(*)::int as n from alert where rule like 'file.%'`);
  assert.ok(told!.n >= 2, String(told!.n));
});

test('the log shows no number in full', () => {
  const log = service.output();
  assert.match(log, /file\.lines-quarantined.*\n[\s\S]*subscription 31\d+\*{4} of C001/);
  assert.deepEqual(shownIn(log), []);
});

test('no door shows a number to somebody who did not ask for it', async () => {
  const chains = await database.query<{ id: string }>('select id from every_chain');
  const doors = [
    '/health',
    '/tree',
    '/chains',
    '/schedules',
    '/pauses',
    '/alerts',
    '/alert-rules',
    '/subscriptions',
    '/sync/tasks/1',
    '/sync/tasks/2',
    ...chains.flatMap(({ id }) => [`/chains/${id}`, `/chains/${id}/why`]),
    ...['C001', 'C002'].flatMap((code) => [
      `/cycles?customer=${code}`,
      `/totals?customer=${code}`,
      `/totals?customer=${code}&cycle=2026-03-01`,
      `/totals/explain?customer=${code}&cycle=2026-03-01&limit=1000`,
      `/reports/usage?customer=${code}&cycle=2026-03-01`,
      `/reports/usage?customer=${code}&cycle=2026-03-01&format=json`,
      `/invoices?customer=${code}`,
    ]),
  ];
  for (const door of doors) assert.deepEqual(shownIn(await ask(door)), [], door);
});

test('no number is in alerts, audit, chains, their logs and traces, sync tasks or quarantine', async () => {
  const tables = [
    'alert',
    'rule_alert',
    'audit',
    'every_chain',
    'step_log',
    'routing_decision',
    'sync_task',
    'quarantine',
    'raw_file',
  ];
  for (const table of tables) {
    const rows = await database.query<{ text: string }>(`select t::text as text from ${table} t`);
    assert.deepEqual(
      rows.flatMap(({ text }) => shownIn(text)),
      [],
      table,
    );
  }
});

test('no dialled number is stored in full anywhere', async () => {
  const subscribers = await database.query<{ msisdn: string }>('select msisdn from subscription');
  const own = new Set(subscribers.flatMap(({ msisdn }) => [msisdn, `0${msisdn.slice(2)}`]));
  const rows = await database.query<{ text: string }>(
    `select distinct concat_ws(' ', b_prefix, b_masked, call_code, category, visited) as text from cdr`,
  );
  assert.ok(rows.length > 50);
  assert.deepEqual(
    rows.flatMap(({ text }) => shownIn(text)).filter((number) => !own.has(number)),
    [],
  );
});

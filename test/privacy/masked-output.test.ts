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
import { customersForm } from '../../simulator/account.ts';
import type { ServedProviders } from '../../simulator/http/serve.ts';
import type { SyncStartedView } from '../../src/admin/views.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { secrets, serve } from '../simulator/http/served.ts';
import { startSync, stateDirectory, syncEnds } from '../support/recovery.ts';
import { call, type RunningService, startService, until, working } from '../support/service.ts';
import { makeWorld, type World } from '../support/world.ts';

const scratch = mkdtempSync(join(tmpdir(), 'masked-'));
let world: World;
let database: Database;
let service: RunningService;
let served: ServedProviders;
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
  const url = await world.database();
  database = openDatabase(url, { applicationName: 'test', max: 2 });
  const state = stateDirectory();
  const archive = join(state, 'archive');
  const asked = { T_MOBILE_CLIENT_SECRET: secrets.T_MOBILE, ROUTIT_PASSWORD: secrets.ROUTIT };
  const env = { LINEKEEPER_ARCHIVE_DIRECTORY: archive, LINEKEEPER_LOG_LEVEL: 'debug', ...asked };
  service = startService({ databaseUrl: url, stateDirectory: state, env });
  await working(service);
  for (const customer of ['C001', 'C002']) await syncEnds(service, (await startSync(service, customer)).task);
  await syncServed();
  numbers = new Set([...numbersIn(join(world.directory, 'drops')), ...servedNumbers(archive)]);
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
  await served?.stop();
  rmSync(scratch, { recursive: true });
});

/** The providers behind HTTP, with a bad item, a type that nobody knows, a bad line, and numbers that nobody told us of. */
async function syncServed(): Promise<void> {
  served = await serve(['T_MOBILE', 'ROUTIT'], {
    records: 4_400,
    faults: [
      { at: 'T_MOBILE.usage', nth: 1, fault: 'F12', arg: { kind: 'garbage' } },
      { at: 'T_MOBILE.usage', nth: 2, fault: 'F11', arg: { kind: 'new-type' } },
      { at: 'ROUTIT.file', nth: 1, fault: 'F12', arg: { kind: 'garbage' } },
    ],
  });
  for (const tariff of served.tariffs) await call(service.socket, 'POST', '/tariffs', tariff);
  await call(service.socket, 'POST', '/customers', customersForm(served.contracts));
  for (const [customer, profile] of [
    ['C001', 'calvi'],
    ['R001', 'routit'],
  ]) {
    const started = await call<SyncStartedView>(service.socket, 'POST', '/sync/run', { customer, profile });
    await syncEnds(service, started.tasks[0]!.id);
  }
}

/** Subscribers and whom they called, of pages and of charges. */
function* servedNumbers(archive: string): Iterable<string> {
  for (const entry of readdirSync(archive, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name));
    const text = bytes[0] === 0x1f ? gunzipSync(bytes).toString('utf8') : bytes.toString('utf8');
    const called = text.startsWith('{')
      ? /"(?:subscriber|to)":"\+?(\d{9,15})"/g
      : /^\d{10};[^;]*;(\d{9,15});(\d{9,15});/gm;
    for (const [, ...found] of text.matchAll(called)) for (const number of found) yield* [number, national(number)];
  }
}

function national(number: string): string {
  return number.startsWith('31') ? `0${number.slice(2)}` : number;
}

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
        found.add(number).add(national(number));
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
  const byProvider = await database.query<{ provider: string; records: number; masked: number }>(
    `select k.provider, count(*)::int as records, count(c.b_masked)::int as masked from cdr c join contract k on k.id = c.contract_id
     where k.provider <> 'KPN' group by 1 order by 1`,
  );
  assert.deepEqual(
    byProvider.map(({ provider, records, masked }) => [provider, records > 1_000, masked > 500]),
    [
      ['ROUTIT', true, true],
      ['T_MOBILE', true, true],
    ],
  );
  assert.ok(
    [...numbers].some((number) => number === '31850000999'),
    'also one that nobody was told of',
  );
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
    '/sync/tasks/3',
    '/sync/tasks/4',
    '/suspense',
    ...chains.flatMap(({ id }) => [`/chains/${id}`, `/chains/${id}/why`]),
    ...['/cycles?customer=R001', '/totals?customer=R001'],
    ...['sms', 'national-mobile', 'international'].map(
      (category) => `/totals/explain?customer=C001&cycle=2026-03-01&limit=1000&category=${category}`,
    ),
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
    'reseller_period',
    'reseller_delivery',
    'reseller_purchase',
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

/**
 * Bad input at the door of a real service: what the command line answers to things that are not there and documents that are
 * wrong, and what `linekeeper start` says to a place it cannot work in. Nothing of it is stored.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { ask } from '../support/embedded-owner.ts';
import { call, type RunningService, startService, until, working } from '../support/service.ts';
import { startTransactionPooler } from '../support/transaction-pooler.ts';

const root = join(import.meta.dirname, '..', '..');
const scratch = mkdtempSync(join(tmpdir(), 'door-'));
let database: TestDatabase;
let service: RunningService;

before(async () => {
  database = await testDatabase();
  service = startService({ databaseUrl: database.url, stateDirectory: stateDirectory('live') });
  await working(service);
  // its time may come in the midst of a test
  succeeds(['schedule', 'disable', 'sync:manager']);
  succeeds(['tariff', 'load', document('tariff.json', tariff([version()]))]);
  succeeds(['customer', 'apply', document('customers.json', customers('kpn'))]);
});

after(async () => {
  await service?.stop();
  await database?.close();
  rmSync(scratch, { recursive: true, force: true });
});

describe('what is not there', () => {
  const cases: readonly [args: readonly string[], message: RegExp][] = [
    [
      ['sync', 'run', '--customer', 'C999'],
      /no customer has the code C999; apply its document first: linekeeper customer apply FILE/,
    ],
    [
      ['sync', 'run', '--customer', 'C001', '--profile', 'nightly'],
      /customer C001 has no sync profile named nightly; add it to its document and apply that/,
    ],
    [['totals', 'show', '--customer', 'C999'], /no customer has the code C999/],
    [['totals', 'show', '--customer', 'C999', '--cycle', '2026-03-01'], /no customer has the code C999/],
    [
      ['totals', 'show', '--customer', 'C001', '--cycle', '2026-03-01'],
      /customer C001 has no cycle that starts on 2026-03-01; its cycles: none yet/,
    ],
    [['totals', 'recalculate', '--customer', 'C999', '--cycle', '2026-03-01'], /no customer has the code C999/],
    [
      ['totals', 'recalculate', '--customer', 'C001', '--cycle', '2026-03-01'],
      /customer C001 has no cycle that starts on 2026-03-01/,
    ],
    [
      ['totals', 'recalculate', '--customer', 'C001', '--cycle', '2026-02-30'],
      /cycle "2026-02-30": must be a date such as 2026-03-01/,
    ],
    [['totals', 'explain', '--customer', 'C999', '--cycle', '2026-03-01'], /no customer has the code C999/],
    [['totals', 'explain', '--customer', 'C001', '--cycle', '2026-03-01'], /customer C001 has no .*2026-03-01/],
    [['chain', 'retry', '4711'], /there is no chain 4711/],
    [['alert', 'resolve', 'file.quarantined', 'C001/x'], /no open alert file.quarantined is about C001\/x; .*: none/],
  ];
  for (const [args, message] of cases) {
    test(`linekeeper ${args.join(' ')} is exit 1 with its reason`, async () => {
      const before = await stored();
      assert.match(fails(args, 1), message);
      assert.deepEqual(await stored(), before);
    });
  }
});

describe('documents that are wrong', () => {
  const step = { from: 0, price: '0.12', per: 60, first: 30, next: 6 };
  const second = { ...version(), validFrom: '2026-06-01T00:00:00' };
  const cases: readonly [name: string, document: unknown, ...messages: RegExp[]][] = [
    [
      'overlapping versions',
      tariff([version(), second]),
      /versions\[1\]\.validFrom: "2026-06-01T00:00:00" overlaps versions\[0\]/,
    ],
    [
      'a version that overlaps a stored one',
      tariff([second]),
      /tariff kpn: the version valid from 2026-06-01T00:00:00 overlaps the stored one/,
    ],
    [
      'an amount out of bounds',
      tariff([version({ connectFee: '1000.01' })]),
      /rules\[0\]\.connectFee: "1000\.01" must be/,
    ],
    [
      'a price as a number of euros',
      tariff([version({ steps: [{ ...step, price: 0.12 }] })]),
      /steps\[0\]\.price: 0\.12 must be a decimal string/,
    ],
    [
      'an increment out of bounds',
      tariff([version({ steps: [{ ...step, next: 0 }] })]),
      /steps\[0\]\.next: 0 must be a whole number from 1/,
    ],
    [
      'a prefix that reaches into masked digits',
      tariff([version({ match: { prefixes: ['31612345'] } })]),
      /prefixes\[0\]: "31612345" reaches into the last 4 digits, which are masked; use at most 7 digits/,
    ],
    [
      'several problems at once',
      tariff([
        version({ connectFee: 'free' }),
        { ...second, rules: version({ steps: [{ ...step, first: 86_401 }] }).rules },
      ]),
      /has 3 problem\(s\)/,
      /overlaps versions\[0\]/,
      /connectFee: "free" must be/,
      /first: 86401 must be a whole number from 1 to 86400/,
    ],
    ['no JSON', '{ "tariff": ', /is not JSON: it breaks at/],
  ];
  for (const [name, content, ...messages] of cases) {
    test(`a tariff with ${name} is exit 1, names file, place and value, and nothing of it is stored`, async () => {
      const before = await stored();
      const file = document('bad.json', content);
      const err = fails(['tariff', 'load', file], 1);
      for (const message of [new RegExp(file.replaceAll('.', '\\.')), ...messages]) assert.match(err, message);
      assert.deepEqual(await stored(), before);
    });
  }

  test('customers of whom one has a tariff that is not there are refused together', async () => {
    const before = await stored();
    const both = { customers: [...customers('kpn').customers, { ...customers('gone').customers[0]!, code: 'C002' }] };
    assert.match(fails(['customer', 'apply', document('both.json', both)], 1), /gone/);
    assert.deepEqual(await stored(), before);
  });
});

test('a wrong secret suspends its profile; once it is right, sync resume lets it go on, and both are recorded', async (t) => {
  const secretFile = join(scratch, 'secret');
  writeFileSync(secretFile, 'wrong');
  const authorizations: string[] = [];
  const provider = createHttpServer(({ headers, url }, response) => {
    if (url === '/oauth/token') authorizations.push(String(headers.authorization));
    const isRight = headers.authorization === `Basic ${Buffer.from('c003:right').toString('base64')}`;
    response.writeHead(isRight ? 503 : 401, { 'content-type': 'application/json' }).end('{}');
  });
  t.after(() => provider.close().closeAllConnections());
  await new Promise<void>((resolve) => void provider.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const transport = { kind: 'rest', base, clientId: 'c003', clientSecret: { file: secretFile } };
  const [customer] = customers('kpn').customers;
  const profiles = [
    { name: 'calvi', syncType: 'T_MOBILE', transport },
    { name: 'spare', syncType: 'T_MOBILE', enabled: false, transport },
  ];
  const contracts = [{ ...customer!.contracts[0]!, provider: 'T_MOBILE', profiles }];
  await call(service.socket, 'POST', '/customers', { customers: [{ ...customer!, code: 'C003', contracts }] });
  const alert = () => ask(database.url, `select state from alert where rule = 'profile.suspended'`);
  const sync = (what: 'run' | 'resume', more: object = {}) =>
    call(service.socket, 'POST', `/sync/${what}`, { customer: 'C003', ...more });

  await sync('run');
  const suspended = `select from sync_profile where suspended_reason is not null`;
  await until('the suspension', async () => (await ask(database.url, suspended)).length > 0);
  await assert.rejects(sync('run'), /409.*C003\/calvi is suspended: .*401.*--force/);
  await assert.rejects(sync('resume', { profile: 'other' }), /404.*no sync profile named other/);

  writeFileSync(secretFile, 'right');
  const { stdout } = run(['sync', 'resume', '--customer', 'C003', '--profile', 'calvi']);
  assert.match(stdout, /^C003\/calvi goes on at once \(it was suspended: .*401.*\)\n$/);
  await until('the alert to end', async () => JSON.stringify(await alert()) === '[{"state":"resolved"}]');
  const once = run(['sync', 'run', '--customer', 'C003']);
  assert.match(once.stdout, /^sync task \d+ of C003\/calvi /);
  assert.match(once.stderr, /^profile C003\/spare is left out: it is switched off; .* --profile spare --force\n$/);
  await until('another login', async () => authorizations.length > 1);
  assert.equal(authorizations.lastIndexOf(authorizations[0]!), 0, 'the wrong one was tried once');
  const audit = await ask(database.url, `select subject from audit where action = 'sync.resume'`);
  assert.deepEqual(audit.at(-1), { subject: 'customer C003' });
});

describe('a place that cannot be worked in', () => {
  test('a description of a provider that is wrong is exit 78 with file, key and the way out, and nothing runs', async () => {
    const described = stateDirectory('providers');
    writeFileSync(join(described, 'noordbel.json'), '{ "syncType": "NOORDBEL", "chains": {} }');
    writeFileSync(join(described, 'zuidbel.json'), '{ "syncType": ');
    const env = { LINEKEEPER_PROVIDERS_DIRECTORY: described };
    const { code, output } = await startIn(stateDirectory('described'), env);
    assert.equal(code, 78, output);
    assert.match(output, /providers\/noordbel\.json: chains: .*the nearest known is \\?"chain\\?"/);
    assert.match(output, /providers\/zuidbel\.json is not valid JSON/);
  });

  test('a state directory in use is exit 78 and names the process that has it', async () => {
    const { code, output } = await startIn(join(scratch, 'live'));
    assert.equal(code, 78, output);
    assert.match(
      output,
      new RegExp(`the state directory ${join(scratch, 'live')} is in use by process ${await ownPid()}: stop that`),
    );
    await call(service.socket, 'GET', '/health');
  });

  test('an admin socket of a live service is exit 78, names its process, and leaves it alone', async () => {
    const { code, output } = await startIn(stateDirectory('other'), { LINEKEEPER_ADMIN_SOCKET: service.socket });
    assert.equal(code, 78, output);
    assert.match(output, new RegExp(`another linekeeper \\(pid ${await ownPid()}\\) serves ${service.socket}`));
    await call(service.socket, 'GET', '/health');
  });

  test('a state directory without permission is exit 78 with the way out', () => {
    const closed = stateDirectory('closed');
    chmodSync(closed, 0o500);
    for (const directory of [closed, join(closed, 'deeper'), '/proc/linekeeper']) {
      const { status, stdout, stderr } = startUnprivileged(directory);
      assert.equal(status, 78, stdout + stderr);
      assert.ok(stdout.includes(`the state directory ${directory} `), stdout + stderr);
      assert.match(
        stdout,
        /set stateDirectory \(LINEKEEPER_STATE_DIRECTORY\) to a directory that this user can write to/,
      );
    }
  });

  test('a transaction pooler is exit 78 with what to give instead', async () => {
    const pooler = await startTransactionPooler(database.url);
    try {
      const { code, output } = await startIn(stateDirectory('pooler'), {}, pooler.url);
      assert.equal(code, 78, output);
      assert.match(output, /DATABASE_URL leads to a transaction pooler .* give the address of PostgreSQL itself/);
    } finally {
      await pooler.close();
    }
  });

  test('a PostgreSQL that is too old is exit 78 with its version and the one that is needed', async () => {
    const [real] = await ask(
      database.url,
      `select current_setting('server_version_num') as number, split_part(current_setting('server_version'), ' ', 1) as shown`,
    );
    const { number, shown } = real as { number: string; shown: string };
    const old = await gateway(stateDirectory('old-server'), (answer) =>
      answer.replaceAll(number, `14${number.slice(2)}`).replaceAll(shown, `14${shown.slice(2)}`),
    );
    try {
      const { code, output } = await startIn(stateDirectory('old'), {}, old.url);
      assert.equal(code, 78, output);
      assert.match(
        output,
        /the database is PostgreSQL 14\.\S+.*, and Linekeeper needs 15 or newer: upgrade the server/,
      );
    } finally {
      old.close();
    }
  });

  test('a database that cannot be reached is no exit: the service says so, refuses work, and goes on when it is there', async () => {
    const place = stateDirectory('later');
    // an archive belongs to one database, and this one's is the live service's
    const env = { LINEKEEPER_ARCHIVE_DIRECTORY: join(scratch, 'live', 'archive') };
    const waiting = startService({ databaseUrl: urlAt(place), stateDirectory: stateDirectory('waiting'), env });
    let server: { close(): void } | null = null;
    try {
      const asked = ['--socket', waiting.socket];
      const health = await until('the service to answer', async () => {
        const view = await call<{ status: string; checks: { name: string; message: string }[] }>(
          waiting.socket,
          'GET',
          '/health',
        ).catch(() => null);
        return view?.checks.some((check) => /^away: /.test(check.message)) ? view : null;
      });
      assert.equal(health.status, 'degraded');
      const refused = run(['sync', 'run', '--customer', 'C001'], asked);
      assert.deepEqual([refused.status, refused.stdout], [1, ''], refused.stderr);
      assert.match(refused.stderr, /the database is away/);
      assert.equal(run(['health'], asked).status, 0);
      assert.equal(waiting.child.exitCode, null, 'it runs');
      server = await gateway(place, (answer) => answer);
      await working(waiting);
      // by the socket: a command run from here would stop the gateway until it ends
      const asking = call(waiting.socket, 'POST', '/sync/run', { customer: 'C999' });
      await assert.rejects(asking, /no customer has the code C999/);
    } finally {
      await waiting.stop();
      server?.close();
    }
  });
});

/** What must not change. */
async function stored(): Promise<unknown> {
  const tables = ['tariff', 'tariff_version', 'customer', 'contract', 'sync_profile', 'sync_task', 'cycle'];
  const counts = tables.map((table) => `(select count(*)::int from ${table}) as ${table}`);
  const chains = `(select count(*)::int from chain where name <> 'sync-manager') as chains`;
  return ask(database.url, `select ${[...counts, chains].join(', ')}`);
}

async function ownPid(): Promise<number> {
  return (await call<{ pid: number }>(service.socket, 'GET', '/health')).pid;
}

function stateDirectory(name: string): string {
  const directory = join(scratch, name);
  mkdirSync(directory);
  return directory;
}

/** Runs `linekeeper start`, which must end by itself. */
async function startIn(directory: string, env: Record<string, string> = {}, databaseUrl = database.url) {
  const started = startService({ databaseUrl, stateDirectory: directory, env });
  const late = setTimeout(() => started.child.kill('SIGKILL'), 20_000);
  const { code } = await started.ended;
  clearTimeout(late);
  return { code, output: started.output() };
}

/** Without the right of root to write everywhere. */
function startUnprivileged(directory: string) {
  const words = [join(root, 'bin/linekeeper'), 'start'];
  if (process.getuid?.() === 0) words.unshift('setpriv', '--inh-caps=-all', '--bounding-set=-all');
  const env = { PATH: process.env.PATH, LINEKEEPER_STATE_DIRECTORY: directory };
  return spawnSync(words[0]!, words.slice(1), { encoding: 'utf8', env, timeout: 20_000 });
}

function urlAt(directory: string): string {
  return database.url.replace(/host=[^&]*/, `host=${encodeURIComponent(directory)}`);
}

/** The test's PostgreSQL once more, on a socket in `directory`, with its answers changed. */
async function gateway(directory: string, change: (answer: string) => string) {
  const target = join(decodeURIComponent(/host=([^&]*)/.exec(database.url)![1]!), '.s.PGSQL.5432');
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection(target);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => other.destroy());
    }
    client.pipe(upstream);
    upstream.on('data', (bytes) => client.write(Buffer.from(change(bytes.toString('latin1')), 'latin1')));
  });
  await new Promise<void>((resolve) => server.listen(join(directory, '.s.PGSQL.5432'), resolve));
  return {
    url: urlAt(directory),
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function run(args: readonly string[], at: readonly string[] = ['--socket', service.socket]) {
  return spawnSync(process.execPath, [join(root, 'src/cli/main.ts'), ...args, ...at], {
    cwd: scratch,
    encoding: 'utf8',
  });
}

function succeeds(args: readonly string[]): void {
  const { status, stderr } = run(args);
  assert.equal(status, 0, stderr);
}

/** Standard error of a command that must fail and print no result. */
function fails(args: readonly string[], code: number): string {
  const { status, stdout, stderr } = run(args);
  assert.deepEqual([status, stdout], [code, ''], stderr);
  return stderr;
}

function document(name: string, content: unknown): string {
  writeFileSync(join(scratch, name), typeof content === 'string' ? content : JSON.stringify(content));
  return name;
}

function tariff(versions: readonly unknown[]): unknown {
  return { tariff: 'kpn', provider: 'KPN', currency: 'EUR', timeZone: 'Europe/Amsterdam', versions };
}

function version(changes: object = {}) {
  const steps = [{ from: 0, price: '0.12', per: 60, first: 30, next: 6 }];
  const rule = { id: 'mobile', kind: 'voice', match: { prefixes: ['316'] }, steps, ...changes };
  return { validFrom: '2026-01-01T00:00:00', validTo: null, rules: [rule] };
}

function customers(tariffCode: string) {
  const transport = { kind: 'directory', dir: scratch };
  const profile = { name: 'sp16', syncType: 'KPN_SP16', everyMinutes: 1_440, transport };
  const contract = { provider: 'KPN', account: '0000000101', tariff: tariffCode, profiles: [profile] };
  return { customers: [{ code: 'C001', name: 'Bakkerij Jansen', contracts: [contract] }] };
}

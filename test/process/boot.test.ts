/** The entry of `linekeeper start` and its boots, as real processes on a copy of the project that may be damaged. */
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { type Boot, readBoots } from '../../src/process/boot-record.ts';
import { openReceiver, type Receiver } from '../alerts/receiver.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { stateDirectory } from '../support/recovery.ts';
import { startService, until, working } from '../support/service.ts';

const source = join(import.meta.dirname, '../..');
/** Belongs to the database, which the tests share. */
const archive = { LINEKEEPER_ARCHIVE_DIRECTORY: stateDirectory() };
const copies = mkdtempSync(join(tmpdir(), 'lk-boot-'));
let database: TestDatabase;
let watching: Database;
let receiver: Receiver;

before(async () => {
  database = await testDatabase();
  watching = openDatabase(database.url, { applicationName: 'watching', max: 1 });
  receiver = await openReceiver();
});
after(async () => {
  await receiver.close();
  await watching.close();
  await database.close();
  rmSync(copies, { recursive: true });
});

function project(): string {
  const home = mkdtempSync(join(copies, 'project-'));
  for (const part of ['package.json', 'src', 'actors', 'supervisors', 'otel']) {
    cpSync(join(source, part), join(home, part), { recursive: true });
  }
  symlinkSync(join(source, 'node_modules'), join(home, 'node_modules'));
  return home;
}

function start(home: string, state: string, ...args: string[]): SpawnSyncReturns<string> {
  const env = { PATH: process.env.PATH!, DATABASE_URL: database.url, LINEKEEPER_STATE_DIRECTORY: state };
  return spawnSync(process.execPath, [join(home, 'src/cli/main.ts'), 'start', ...args], {
    env,
    encoding: 'utf8',
    timeout: 20_000,
  });
}

const bootsOf = (state: string): readonly Boot[] => readBoots(join(state, 'boots.json'), assert.fail).boots;

/** One JSON line on standard output and one plain line on standard error, both about `what`. */
function assertTold({ status, stdout, stderr }: SpawnSyncReturns<string>, what: RegExp): void {
  assert.equal(status, 70, stdout + stderr);
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 1, stdout);
  const line = JSON.parse(lines[0]!) as { level: string; message: string; error: { stack: string } };
  assert.equal(line.level, 'fatal');
  assert.match(line.message, what);
  assert.match(stderr, /^linekeeper: the service did not start: .*\n$/);
  assert.match(stderr, what);
}

test('a module that is missing or does not load is told twice and is exit 70, wherever it is', () => {
  const home = project();
  const state = stateDirectory();
  const late = join(home, 'src/chains/engine.ts');
  appendFileSync(late, "\nthrow new Error('made to fail while loading');\n");
  assertTold(start(home, state), /made to fail while loading/);
  const [boot] = bootsOf(state);
  assert.deepEqual([boot?.end, boot?.why], [70, 'made to fail while loading']);
  writeFileSync(late, 'export const broken: = ;');
  assertTold(start(home, state), /Expression expected|Unexpected|TypeScript/);
  rmSync(late);
  assertTold(start(home, state), /Cannot find module .*engine\.ts/);
  rmSync(join(home, 'src/config/schema.ts'));
  assertTold(start(home, state), /Cannot find module .*schema\.ts/);
  rmSync(join(home, 'src/cli/command-line.ts'));
  assertTold(start(home, state), /Cannot find module .*command-line\.ts/);
  assert.equal(bootsOf(state).length, 3);
});

test('a configuration file that is not there is exit 70; one that is wrong is exit 78', () => {
  const state = stateDirectory();
  assertTold(start(source, state, '--config', join(state, 'none.json')), /the configuration is wrong/);
  writeFileSync(join(state, 'wrong.json'), '{"databse":{}}');
  const wrong = start(source, state, '--config', join(state, 'wrong.json'));
  assert.deepEqual([wrong.status, wrong.stdout], [78, '']);
  assert.match(wrong.stderr, /unknown key databse/);
});

test('a service that is refused says so in one plain line too', () => {
  const state = stateDirectory();
  writeFileSync(join(state, 'archive'), 'not a directory');
  const { status, stderr } = start(source, state);
  assert.ok(status === 70 || status === 78, String(status));
  assert.match(stderr, new RegExp(`^linekeeper: the service ends with exit code ${status}: .*archive.*\\n$`));
  assert.equal(bootsOf(state).at(-1)?.end, status);
});

test('a node that keeps dying waits longer, is alerted once, and the alert ends when it has held', async () => {
  const state = stateDirectory();
  const env = { ...archive, LINEKEEPER_ALERTS_WEBHOOK_URL: receiver.url, LINEKEEPER_CRASH_LOOP_BASE_MS: '300' };
  const boot = async (settings: Record<string, string> = {}) => {
    const service = startService({ databaseUrl: database.url, stateDirectory: state, env: { ...env, ...settings } });
    const from = performance.now();
    await until('its engine to have claimed', async () => {
      const rows = await watching.query(`select 1 from node where pid = $1 and beat > 0`, [service.child.pid]);
      return rows.length > 0;
    });
    return { service, tookMs: performance.now() - from };
  };
  for (let death = 1; death <= 5; death += 1) {
    const { service } = await boot();
    service.child.kill('SIGKILL');
    await service.ended;
  }
  const { service, tookMs } = await boot({ LINEKEEPER_CRASH_LOOP_HEALTHY_AFTER_MS: '200' });
  assert.ok(tookMs > 1_200, `the sixth boot waited four times the base, not ${tookMs} ms`);
  assert.deepEqual(
    bootsOf(state).map(({ end }) => end),
    ['killed', 'killed', 'killed', 'killed', 'killed', null],
  );
  const alerts = () => watching.query(`select state from alert where rule = 'node.crash-loop'`);
  await until('the alert to be resolved', async () => (await alerts())[0]?.state === 'resolved');
  await service.stop();
  const told = receiver.got.filter((notice) => notice.rule === 'node.crash-loop').map((notice) => notice.status);
  assert.deepEqual(told, ['open', 'resolved']);
  const last = bootsOf(state).at(-1)!;
  assert.deepEqual([last.end, last.healthyAt !== null], [0, true]);
});

test('a service whose loop is blocked is ended, and the next one says so until it has held', async () => {
  const state = stateDirectory();
  const env = {
    ...archive,
    LINEKEEPER_ALERTS_WEBHOOK_URL: receiver.url,
    LINEKEEPER_CRASH_LOOP_HEALTHY_AFTER_MS: '300',
    LINEKEEPER_WATCHDOG_INTERVAL_MS: '100',
    LINEKEEPER_WATCHDOG_DEADLINE_MS: '2000',
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'block-on-signal.mjs')}`,
  };
  const blocked = startService({ databaseUrl: database.url, stateDirectory: state, env });
  await working(blocked);
  blocked.child.kill('SIGUSR2');
  assert.equal((await blocked.ended).signal, 'SIGKILL', blocked.output());
  assert.match(blocked.output(), /"stack":"at blockedForGood .*"message":"the event loop has been blocked for \d+ ms"/);
  const [boot] = bootsOf(state);
  assert.equal(boot?.end, 'blocked loop');
  assert.match(boot!.why!, /at blockedForGood \(.*block-on-signal\.mjs:5:/);
  const next = startService({ databaseUrl: database.url, stateDirectory: state, env });
  await until('the alert to come and go', async () => {
    const told = receiver.got.filter((notice) => notice.rule === 'node.blocked-loop').map((notice) => notice.status);
    return told.join() === 'open,resolved';
  });
  await next.stop();
});

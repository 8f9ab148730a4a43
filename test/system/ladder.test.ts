/**
 * The ladder from a crashed handler up to systemd, and the sockets that systemd holds, on a real systemd. Each rung asserts
 * what systemd recorded, and that rows moved afterwards. How each is seen red is said at the rung.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { bootPackaged, type Packaged } from '../support/packaged.ts';
import { call, until } from '../support/service.ts';

const unit = 'linekeeper.service';
let packaged: Packaged;
let rows: Database;
before(async () => {
  packaged = await bootPackaged(2);
  rows = openDatabase(packaged.databases[0]!.url, { applicationName: 'ladder', max: 2, onError: () => {} });
  packaged.machine.must('systemctl', 'add-wants', 'test.target', unit);
  for (const name of [unit, 'linekeeper@.service']) {
    packaged.dropIn(name, 'times', [
      'RestartSec=200ms',
      'TimeoutStopSec=6',
      'Environment=LINEKEEPER_NODE=/opt/linekeeper/node/bin/node LINEKEEPER_CRASH_LOOP_BASE_MS=0',
      'Environment=LINEKEEPER_CHAINS_LEASE_MS=900 LINEKEEPER_CHAINS_BEAT_MS=200 LINEKEEPER_COMPUTE_THREADS=1',
    ]);
  }
  packaged.dropIn(unit, 'zz-database', [`Environment=DATABASE_URL=${packaged.url(0)}`]);
});
after(async () => {
  await rows?.close();
  await packaged?.stop();
});

const show = () => packaged.machine.show(unit, 'MainPID', 'ActiveState', 'NRestarts', 'Result', 'ExecMainStatus');
const socket = (name = 'linekeeper') => packaged.machine.seen(`/run/${name}/admin.sock`);
const alerts = () => packaged.machine.run('cat', '/var/lib/linekeeper/exits.log').stdout.trim().split('\n');
const stop = () => packaged.machine.must('systemctl', 'stop', 'linekeeper.socket', unit);

/** A schedule that is due now opens a chain, which runs to its end. */
let schedules = 0;
async function rowsMove(): Promise<void> {
  schedules += 1;
  const name = `rung-${schedules}`;
  await rows.query(
    `insert into schedule (name, cron, chain, next_due_at, catch_up, overlap)
     values ($1, '* * * * *', 'sync-manager', date_trunc('minute', now()) - interval '1 minute', 'last', 'allow')`,
    [name],
  );
  await until('a chain to get through', async () => {
    const done = await rows.query(
      `select 1 from schedule_slot s join chain c on c.id = s.chain_id where s.schedule = $1 and c.state = 'succeeded'`,
      [name],
    );
    return done.length > 0;
  });
  await rows.query('delete from schedule_slot where schedule = $1', [name]);
  await rows.query('delete from schedule where name = $1', [name]);
}

/** Another main process than `main`, started by systemd; resolves to how often that has happened. */
async function startedAgain(main: string): Promise<string> {
  const now = await until(
    'systemd to start it again',
    async () => {
      const state = show();
      return state.ActiveState === 'active' && state.MainPID !== main ? state : null;
    },
    60_000,
  );
  return now.NRestarts;
}

test('the sockets and the template are right, and expose little', () => {
  const { machine } = packaged;
  const units = [unit, 'linekeeper.socket', 'linekeeper@a.service', 'linekeeper@a.socket'];
  const verified = machine.run('systemd-analyze', 'verify', ...units);
  assert.deepEqual([verified.status, verified.stderr], [0, '']);
  for (const name of [unit, 'linekeeper@.service']) {
    const { status, stdout } = machine.run(
      'systemd-analyze',
      ...['security', '--offline=true', '--threshold=20', `/etc/systemd/system/${name}`],
    );
    assert.equal(status, 0, stdout);
  }
});

// red without linekeeper.socket: ENOENT
test('a request to a stopped service starts it and is answered, and the socket outlives each stop', async () => {
  const { machine } = packaged;
  machine.must('systemctl', 'start', 'linekeeper.socket');
  assert.equal(show().ActiveState, 'inactive');
  const mode = () => machine.must('stat', '-c', '%a %U %G', '/run/linekeeper/admin.sock').trim();
  assert.equal(mode(), '660 linekeeper linekeeper');
  const health = await call<{ pid: number }>(socket(), 'GET', '/health');
  assert.ok(health.pid > 0);
  packaged.start(unit);
  await rowsMove();
  machine.must('systemctl', 'stop', unit);
  machine.must('systemctl', 'start', '--no-block', unit);
  await until('the start to have begun', async () => show().ActiveState === 'activating');
  const restarted = await call<{ pid: number }>(socket(), 'GET', '/health');
  assert.notEqual(restarted.pid, health.pid);
  machine.must('systemctl', 'stop', unit);
  assert.equal(mode(), '660 linekeeper linekeeper');
  assert.equal(machine.show('linekeeper.socket', 'ActiveState').ActiveState, 'active');
  packaged.start(unit);
  await call(socket(), 'GET', '/health');
});

// red with the engine's actor never told that its engine ended: the generation stays
test('a message handler that throws: its actor is started again in the same process, and rows move', async () => {
  interface Node {
    path: string;
    generation: number;
    children: Node[];
  }
  packaged.start(unit);
  const { MainPID, NRestarts } = show();
  const find = (node: Node): Node | undefined =>
    node.path === 'work/chains/engine' ? node : node.children.map(find).find((found) => found !== undefined);
  const generation = async () => find(await call<Node>(socket(), 'GET', '/tree'))!.generation;
  const before = await generation();
  await breakBeats();
  await until('the engine to crash', async () => (await generation()) > before);
  await mendBeats();
  await rowsMove();
  const state = show();
  assert.deepEqual([state.MainPID, state.NRestarts], [MainPID, NRestarts]);
});

// red with Restart=no in the drop-in, and so is all that follows: systemd stays at `failed`
test('a handler that throws again and again: actor, supervisors, root, exit 70, and systemd starts it again', async () => {
  packaged.machine.run('rm', '-f', '/var/lib/linekeeper/exits.log', '/var/lib/linekeeper/last-exit-alert');
  const { MainPID } = show();
  const before = Number(show().NRestarts);
  await breakBeats();
  const count = await startedAgain(MainPID);
  await mendBeats();
  assert.ok(Number(count) > before);
  await rowsMove();
  assert.match(alerts()[0]!, /ended unexpectedly \(exit-code: exited 70\)/);
  assert.match(packaged.machine.run('cat', '/var/lib/linekeeper/boots.json').stdout, /"end":\s*70/);
});

// red with ALERT_THROTTLE_S=0: two lines
test('the next end within the throttle window is not told', async () => {
  const { MainPID } = show();
  packaged.machine.must('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', unit);
  await startedAgain(MainPID);
  await rowsMove();
  assert.equal(alerts().length, 1);
});

// each is red with its own watchdog off too: WatchdogSec=0, and watchdog.deadlineMs 0
for (const [who, settings, result] of [
  [
    'our thread',
    ['WatchdogSec=0', 'Environment=LINEKEEPER_WATCHDOG_DEADLINE_MS=2500 LINEKEEPER_WATCHDOG_INTERVAL_MS=100'],
    /blocked loop/,
  ],
  ['systemd', ['WatchdogSec=4s', 'Environment=LINEKEEPER_WATCHDOG_DEADLINE_MS=0'], /"end":\s*"killed"/],
] as const) {
  test(`a busy loop is ended by ${who} alone, started again, and rows move`, async () => {
    stop();
    packaged.dropIn(unit, 'busy', [
      ...settings,
      'Environment=NODE_OPTIONS=--import=/opt/linekeeper/current/test/process/block-on-signal.mjs',
    ]);
    packaged.start('linekeeper.socket', unit);
    await rowsMove();
    const { MainPID } = show();
    packaged.machine.must('systemctl', 'kill', '--kill-whom=main', '--signal=USR2', unit);
    await startedAgain(MainPID);
    await rowsMove();
    assert.match(packaged.machine.run('cat', '/var/lib/linekeeper/boots.json').stdout, result);
    packaged.dropIn(unit, 'busy', null);
  });
}

// red without the drop-in of the template: the second one finds the first one's state directory taken
test('two instances of the template run side by side, each with its own state, configuration and socket', async () => {
  const { machine } = packaged;
  stop();
  for (const [at, name] of ['a', 'b'].entries()) {
    machine.must('install', '-d', '-m', '0700', `/etc/linekeeper/${name}/credentials`);
    machine.write(`/etc/linekeeper/${name}/linekeeper.json`, '{"chains":{"lanes":4}}');
    machine.write(`/etc/linekeeper/${name}/environment`, `DATABASE_URL=${packaged.url(at)}\n`);
    machine.must('chmod', '755', `/etc/linekeeper/${name}`);
  }
  // the first one's archive belongs to the database
  machine.must('cp', '-a', '/var/lib/linekeeper', '/var/lib/linekeeper-a');
  packaged.start('linekeeper@a.socket', 'linekeeper@b.socket', 'linekeeper@a.service', 'linekeeper@b.service');
  const pids = new Set<number>();
  for (const name of ['a', 'b']) {
    pids.add((await call<{ pid: number }>(socket(`linekeeper-${name}`), 'GET', '/health')).pid);
    assert.equal(machine.run('test', '-s', `/var/lib/linekeeper-${name}/boots.json`).status, 0);
  }
  assert.equal(pids.size, 2);
  await rowsMove();
});

/** The engine's own beat meets an error that nobody foresaw. */
async function breakBeats(): Promise<void> {
  await rows.query(`create or replace function broken() returns trigger language plpgsql as
    $$ begin raise exception 'asked to break'; end $$`);
  await rows.query('create trigger broken before insert or update on node for each row execute function broken()');
}

async function mendBeats(): Promise<void> {
  await rows.query('drop trigger broken on node');
}

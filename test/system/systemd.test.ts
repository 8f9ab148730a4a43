/** The packaged service under a real systemd: deploy/ as it is, with shorter times in a drop-in. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { SyncStartedView, SyncTaskView } from '../../src/admin/views.ts';
import { projectBinds } from '../support/packaged.ts';
import { call, until } from '../support/service.ts';
import { type SilentServer, silentSftp } from '../support/silent-server.ts';
import { bootSystemd, type SystemdMachine } from '../support/systemd.ts';
import { rule } from '../telecom/worked-tariff.ts';

const deploy = '/opt/linekeeper/current/deploy';
const unit = 'linekeeper.service';
const watchdogMs = 4_000;

let machine: SystemdMachine;
let provider: SilentServer & { readonly hostKeySha256: string };
const told: { rule: string; message: string }[] = [];
const receiver = createServer((request, answer) => {
  let text = '';
  request.on('data', (part) => (text += part));
  request.on('end', () => {
    told.push(JSON.parse(text));
    answer.end();
  });
});

before(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  provider = await silentSftp();
  machine = await bootSystemd(projectBinds());
  const { port } = receiver.address() as AddressInfo;
  install(`http://127.0.0.1:${port}/`);
});

after(async () => {
  await machine?.stop();
  await provider?.stop();
  receiver.close();
});

/** As docs/systemd.md says. */
function install(webhook: string): void {
  machine.must('cp', `${deploy}/linekeeper.service`, `${deploy}/linekeeper-alert@.service`, '/etc/systemd/system/');
  machine.must('systemd-sysusers', `${deploy}/sysusers.conf`);
  machine.must('systemd-tmpfiles', '--create', `${deploy}/tmpfiles.conf`);
  machine.write('/etc/linekeeper/alert-webhook', `${webhook}\n`);
  machine.write('/etc/linekeeper/credentials/kpn', 'secret\n');
  machine.must('mkdir', '-p', '/srv/drops');
  // systemd forgets how a unit ended that nothing else refers to
  machine.must('systemctl', 'add-wants', 'test.target', unit);
  dropIn('times', [
    `WatchdogSec=${watchdogMs}ms`,
    'RestartSec=200ms',
    // less than a drain takes: only the time that the service asks for lets it end in order
    'TimeoutStopSec=6',
    'Environment=ALERT_THROTTLE_S=0',
    'Environment=LINEKEEPER_NODE=/opt/linekeeper/node/bin/node',
    'Environment=LINEKEEPER_CHAINS_LEASE_MS=900 LINEKEEPER_CHAINS_BEAT_MS=200 LINEKEEPER_COMPUTE_THREADS=1',
  ]);
}

/** Null removes it. */
function dropIn(name: string, lines: readonly string[] | null): void {
  const path = `/etc/systemd/system/${unit}.d/${name}.conf`;
  if (lines === null) machine.must('rm', path);
  else machine.write(path, `[Service]\n${lines.join('\n')}\n`);
  machine.must('systemctl', 'daemon-reload');
}

/** Comes back when it is ready. */
function start(): void {
  if (machine.run('systemctl', 'start', unit).status === 0) return;
  throw new Error(
    `the service did not start:\n${machine.run('journalctl', '-o', 'cat', '--lines=60').stdout.slice(-6_000)}`,
  );
}

const mainProcess = () => machine.show(unit, 'MainPID').MainPID;
const socket = () => machine.seen('/run/linekeeper/admin.sock');
const exits = () => machine.run('cat', '/var/lib/linekeeper/exits.log').stdout;

/** Another main process than `before`, which is ready. */
async function restarted(before: string): Promise<void> {
  await until('systemd to start it again', async () => {
    const { ActiveState, MainPID } = machine.show(unit, 'ActiveState', 'MainPID');
    return ActiveState === 'active' && MainPID !== before;
  });
}

/** Rows move: a sync of a profile that has no files runs through all of its steps. */
async function works(): Promise<void> {
  const task = await until('a sync to be taken', async () => {
    const started = await call<SyncStartedView>(socket(), 'POST', '/sync/run', { customer: 'C001' }).catch(() => null);
    return started?.tasks[0];
  });
  await until('the sync to succeed', async () => {
    const view = await call<SyncTaskView>(socket(), 'GET', `/sync/tasks/${task.id}`).catch(() => null);
    return view?.status === 'succeeded';
  });
}

const tariff = {
  ...{ tariff: 'kpn-zakelijk', provider: 'KPN', currency: 'EUR', timeZone: 'Europe/Amsterdam' },
  versions: [{ validFrom: '2026-01-01T00:00:00', validTo: null, rules: [rule('mobile')] }],
};

function customers() {
  const customer = (code: string, account: string, transport: object) => ({
    code,
    name: code,
    contracts: [
      {
        ...{ provider: 'KPN', account, tariff: 'kpn-zakelijk', cycleDay: 1, timeZone: 'Europe/Amsterdam' },
        subscriptions: [],
        profiles: [{ name: 'sp16', syncType: 'KPN_SP16', everyMinutes: 60, transport }],
      },
    ],
  });
  const { port, hostKeySha256 } = provider;
  const password = { credential: 'secret_kpn' };
  const sftp = { kind: 'sftp', host: '127.0.0.1', port, user: 'kpn', dir: '/', password, hostKeySha256 };
  const directory = { kind: 'directory', dir: '/srv/drops' };
  return { customers: [customer('C001', '0000000101', directory), customer('C002', '0000000102', sftp)] };
}

test('the units are right, and expose little', () => {
  const units = ['linekeeper.service', 'linekeeper-alert@.service'];
  const verified = machine.run('systemd-analyze', 'verify', ...units.map((name) => `/etc/systemd/system/${name}`));
  assert.deepEqual([verified.status, verified.stderr], [0, '']);
  const security = ['security', '--offline=true', '--threshold=20', `${deploy}/linekeeper.service`];
  const { status, stdout } = machine.run('systemd-analyze', ...security);
  assert.equal(status, 0, stdout);
});

test('is ready once it can be spoken to, says what it does, and keeps the place of systemd to itself', async () => {
  start();
  await until('the schema to be there', () => call(socket(), 'POST', '/tariffs', tariff).catch(() => null));
  await call(socket(), 'POST', '/customers', customers());
  await works();
  await until('the status to say so', async () =>
    /^working: \d+ of 64 lanes/.test(machine.show(unit, 'StatusText').StatusText),
  );
  const main = mainProcess();
  const group = machine.show(unit, 'ControlGroup').ControlGroup;
  const children = machine
    .must('cat', `/sys/fs/cgroup${group}/cgroup.procs`)
    .split('\n')
    .filter((pid) => pid !== '' && pid !== main);
  assert.ok(children.length > 2, 'the keeper, PostgreSQL and its backends');
  for (const pid of children) {
    const { stdout } = machine.run('cat', `/proc/${pid}/environ`);
    assert.doesNotMatch(stdout, /NOTIFY_SOCKET|WATCHDOG_|LISTEN_/, machine.run('cat', `/proc/${pid}/cmdline`).stdout);
  }
});

test('kill -9 of the node: systemd starts it again, the work goes on, and somebody is told', async () => {
  const main = mainProcess();
  machine.must('systemctl', 'kill', '--kill-whom=main', '--signal=KILL', unit);
  await restarted(main);
  assert.match(exits(), /ended unexpectedly \(signal: killed KILL\)/);
  await until('the webhook to be told', async () => told.some(({ rule }) => rule === 'service.ended'));
  await works();
});

test('a node whose loop stands still is ended by the watchdog and started again', async () => {
  const main = mainProcess();
  machine.must('systemctl', 'kill', '--kill-whom=main', '--signal=STOP', unit);
  await restarted(main);
  assert.match(exits(), /ended unexpectedly \(watchdog: /);
  await works();
});

test('stops in time with work in flight, which burns no attempt', async () => {
  const started = await call<SyncStartedView>(socket(), 'POST', '/sync/run', { customer: 'C002' });
  await until('the provider to be called', async () => provider.connections() > 0);
  machine.must('systemctl', 'stop', '--no-block', unit);
  await until('it to say that it stops', async () => {
    const { ActiveState, StatusText } = machine.show(unit, 'ActiveState', 'StatusText');
    return ActiveState === 'deactivating' && StatusText === 'stopping: SIGTERM was received';
  });
  await until('it to have stopped', async () => machine.show(unit, 'ActiveState').ActiveState === 'inactive');
  const { ExecMainCode, ExecMainStatus, Result } = machine.show(unit, 'ExecMainCode', 'ExecMainStatus', 'Result');
  assert.deepEqual([ExecMainCode, ExecMainStatus, Result], ['1', '0', 'success']);
  assert.doesNotMatch(exits(), /timeout/);

  start();
  const id = started.tasks[0]!.chainId;
  const { attempt } = await until('the chain to run again', async () => {
    const chain = await call<{ state: string; attempt: number }>(socket(), 'GET', `/chains/${id}`).catch(() => null);
    return chain?.state === 'running' ? chain : null;
  });
  assert.equal(attempt, 1);
  await call(socket(), 'POST', `/chains/${id}/cancel`, {});
  machine.must('systemctl', 'stop', unit);
});

test('exit 75 is started anew at once, and is nothing to tell anybody', async () => {
  const before = exits();
  const service = '/opt/linekeeper/current/bin/linekeeper start';
  const script = `if mkdir $STATE_DIRECTORY/once; then exit 75; fi; exec ${service}`;
  dropIn('recycle', ['Type=exec', 'ExecStart=', `ExecStart=/bin/sh -c '${script}'`]);
  machine.must('systemctl', 'start', unit);
  await until('the node to answer', () => call(socket(), 'GET', '/health').catch(() => null));
  assert.equal(machine.show(unit, 'NRestarts').NRestarts, '1');
  assert.equal(exits(), before);
  machine.must('systemctl', 'stop', unit);
  dropIn('recycle', null);
});

test('a wrong configuration ends with 78, is not tried again, and somebody is told without Node', async () => {
  dropIn('wrong', ['Environment=LINEKEEPER_LOG_LEVEL=loud']);
  machine.run('systemctl', 'start', unit);
  await until('it to have failed', async () => machine.show(unit, 'ActiveState').ActiveState === 'failed');
  const { ExecMainStatus, NRestarts } = machine.show(unit, 'ExecMainStatus', 'NRestarts');
  assert.deepEqual([ExecMainStatus, NRestarts], ['78', '0']);
  await until('the webhook to be told', async () => told.some(({ rule }) => rule === 'service.failed'));
  assert.match(exits(), /linekeeper\.service on \S+ has failed and is NOT started again/);
  dropIn('wrong', null);
});

test('without a database it is ready, says what it waits for, and the watchdog does not starve', async () => {
  dropIn('away', ['Environment=DATABASE_URL=postgres://nobody@127.0.0.1:9/none']);
  start();
  await until('the status to say so', async () =>
    /^degraded: database unreachable since \S+Z: /.test(machine.show(unit, 'StatusText').StatusText),
  );
  const main = mainProcess();
  await until('it to have been fed for longer than the watchdog waits', async () => {
    const at = machine.show(unit, 'ActiveEnterTimestampMonotonic', 'WatchdogTimestampMonotonic');
    const fedForMs = (Number(at.WatchdogTimestampMonotonic) - Number(at.ActiveEnterTimestampMonotonic)) / 1_000;
    return fedForMs > watchdogMs * 1.5;
  });
  assert.equal(mainProcess(), main);
});

/** Deployment under a real systemd, with the unit of deploy/ as it is: what starts the service again is systemd itself. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import type { HealthView } from '../../src/admin/views.ts';
import { call, until } from '../support/service.ts';
import { bootSystemd, type SystemdMachine } from '../support/systemd.ts';
import { makeRelease } from './release-world.ts';

const project = join(import.meta.dirname, '../..');
const unit = 'linekeeper.service';
const home = mkdtempSync(join(tmpdir(), 'linekeeper-releases-'));
let machine: SystemdMachine;

before(async () => {
  chmodSync(home, 0o755);
  for (const name of ['1', '2']) makeRelease(join(home, name), `0.1.${name}`, '/opt/linekeeper/shared/node_modules');
  machine = await bootSystemd({
    '/opt/linekeeper/releases': home,
    '/opt/linekeeper/shared/node_modules': join(project, 'node_modules'),
    '/opt/linekeeper/node': dirname(dirname(process.execPath)),
  });
  link('1');
  const deploy = '/opt/linekeeper/current/deploy';
  machine.must('cp', `${deploy}/linekeeper.service`, `${deploy}/linekeeper-alert@.service`, '/etc/systemd/system/');
  machine.must('systemd-sysusers', `${deploy}/sysusers.conf`);
  machine.must('systemd-tmpfiles', '--create', `${deploy}/tmpfiles.conf`);
  machine.must('systemctl', 'add-wants', 'test.target', unit);
  const times = ['RestartSec=200ms', 'Environment=LINEKEEPER_NODE=/opt/linekeeper/node/bin/node'];
  machine.write(`/etc/systemd/system/${unit}.d/times.conf`, `[Service]\n${times.join('\n')}\n`);
  // a secret by credential: the check of another release must be able to read it too
  machine.write('/etc/linekeeper/credentials/hook', 'http://127.0.0.1:1/\n');
  const config = { alerts: { webhook: { url: { credential: 'secret_hook' } } } };
  machine.write('/etc/linekeeper/linekeeper.json', JSON.stringify(config));
  machine.must('systemctl', 'daemon-reload');
});
after(async () => {
  await machine?.stop();
  rmSync(home, { recursive: true, force: true });
});

/** Moves the link in one step, as docs/releases.md says. */
function link(name: string): void {
  machine.must('ln', '-sfn', `releases/${name}`, '/opt/linekeeper/new');
  machine.must('mv', '-T', '/opt/linekeeper/new', '/opt/linekeeper/current');
}

async function runs(version: string): Promise<void> {
  await until(`release ${version} to run`, async () => {
    const health = await call<HealthView>(machine.seen('/run/linekeeper/admin.sock'), 'GET', '/health').catch(
      () => null,
    );
    return health?.release === version && health.checks.every(({ status }) => status === 'ok');
  }).catch((error: Error) =>
    assert.fail(`${error.message}\n${machine.run('journalctl', '-o', 'cat', '--lines=40').stdout}`),
  );
}

test('the unit starts through the link, and works in no directory of a release', () => {
  const lines = readFileSync(join(project, 'deploy/linekeeper.service'), 'utf8').split('\n');
  assert.ok(lines.includes('ExecStart=/opt/linekeeper/current/bin/linekeeper start'));
  assert.deepEqual(
    lines.filter((line) => line.startsWith('WorkingDirectory=')),
    [],
  );
});

test('a release is checked by hand as the service would find it, credentials included', () => {
  const properties = ['User=linekeeper', 'LoadCredential=secret:/etc/linekeeper/credentials'];
  const page = readFileSync(join(project, 'docs/releases.md'), 'utf8');
  for (const property of properties) assert.ok(page.includes(`-p ${property} `), property);
  // what systemd-run makes of it, which needs a bus that this machine has not
  const check = (options: readonly string[]) => {
    const environment = [
      'LINEKEEPER_CONFIG=/etc/linekeeper/linekeeper.json',
      'LINEKEEPER_STATE_DIRECTORY=/var/lib/linekeeper',
      'LINEKEEPER_NODE=/opt/linekeeper/node/bin/node',
    ].map((variable) => `Environment=${variable}`);
    const command = 'ExecStart=/opt/linekeeper/releases/2/bin/linekeeper release check';
    machine.write(
      '/etc/systemd/system/check.service',
      ['[Service]', 'Type=oneshot', ...environment, ...options, command, ''].join('\n'),
    );
    machine.must('systemctl', 'daemon-reload');
    machine.run('systemctl', 'start', 'check');
    const said = machine.must('journalctl', '-o', 'cat', '-u', 'check');
    return { status: machine.show('check.service', 'ExecMainStatus').ExecMainStatus, said };
  };
  const without = check(properties.slice(0, 1));
  assert.equal(without.status, '78', without.said);
  assert.match(
    without.said,
    /configuration: alerts\.webhook\.url: .*'secret_hook', and CREDENTIALS_DIRECTORY is not set/,
  );
  const right = check(properties);
  assert.match(right.said, /release 0\.1\.2 in \/opt\/linekeeper\/releases\/2 can be started here/);
});

test('systemd starts the new release when the link was moved and the running one was removed', async () => {
  machine.must('systemctl', 'start', unit);
  await runs('0.1.1');
  link('2');
  rmSync(join(home, '1'), { recursive: true });
  await runs('0.1.2');
  assert.equal(machine.show(unit, 'NRestarts').NRestarts, '1');
  const said = machine.must('journalctl', '-o', 'cat', '-u', unit);
  assert.match(said, /"code":75,"message":"the node stops: moving to the release \/opt\/linekeeper\/releases\/2"/);
  // no end that anybody has to hear of
  assert.equal(machine.run('cat', '/var/lib/linekeeper/exits.log').stdout, '');
});

test('without any release the end is 70, and systemd tries until there is one', async () => {
  link('nothing');
  rmSync(join(home, '2'), { recursive: true });
  await until('the end', async () =>
    /code=exited, status=70/.test(machine.must('journalctl', '-o', 'cat', '-u', unit)),
  );
  // the alert's own program is no part of any release
  await until('somebody to be told', async () =>
    /ended unexpectedly \(exit-code: exited 70\)/.test(machine.run('cat', '/var/lib/linekeeper/exits.log').stdout),
  );
  makeRelease(join(home, '3'), '0.1.3', '/opt/linekeeper/shared/node_modules');
  link('3');
  await runs('0.1.3');
});

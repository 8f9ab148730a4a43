import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openAdmin } from '../../src/admin/open-admin.ts';
import { createLog } from '../../src/log/log.ts';
import { exampleServices } from './example-services.ts';

let directory: string;
let socketPath: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lk-socket-'));
  socketPath = join(directory, 'admin.sock');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (path = socketPath) =>
  openAdmin({ socketPath: path, services: exampleServices(), log: createLog({ level: 'silent' }) });

test('a socket that a killed process left behind is taken over', async () => {
  const script = `require('node:net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  assert.ok(existsSync(socketPath));
  const admin = await open();
  await admin.close();
});

test('a living service is left alone and named with its pid', async () => {
  const admin = await open();
  await assert.rejects(open(), new RegExp(`another linekeeper \\(pid ${process.pid}\\) serves .*stop it first`));
  assert.ok(existsSync(socketPath));
  await admin.close();
});

test('somebody who listens and is not ours is left alone', async () => {
  const other = createServer((connection) => {
    connection.on('error', () => {});
    connection.resume().end('who?');
  });
  other.listen(socketPath);
  await once(other, 'listening');
  await assert.rejects(open(), /another linekeeper serves/);
  other.close();
  await once(other, 'close');
});

test('a file that is no socket is left alone', async () => {
  writeFileSync(socketPath, 'precious');
  await assert.rejects(open(), /is not a socket; move it away/);
  assert.ok(existsSync(socketPath));
});

test('a path that is too long for a socket is refused with its length', async () => {
  await assert.rejects(open(join(directory, 'x'.repeat(120))), /has \d+ bytes and at most 107 are possible/);
});

test('a directory that is not there is named', async () => {
  await assert.rejects(open(join(directory, 'gone', 'admin.sock')), /gone\/admin\.sock does not exist; create it/);
});

test('no permission says so', async () => {
  // root may everything, so it becomes nobody first
  const script = `
    import { openAdmin } from ${JSON.stringify(new URL('../../src/admin/open-admin.ts', import.meta.url).href)};
    if (process.getuid() === 0) process.setuid(65534);
    await openAdmin({ socketPath: ${JSON.stringify(socketPath)} }).catch((error) => console.log(error.message));
  `;
  chmodSync(directory, 0o000);
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  chmodSync(directory, 0o700);
  assert.match(child.stdout, /cannot be reached \(EACCES\); run as the owner of the state directory/, child.stderr);
});

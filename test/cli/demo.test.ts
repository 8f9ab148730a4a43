import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { openAdmin } from '../../src/admin/open-admin.ts';
import { lastMessage } from '../../src/cli/demo/processes.ts';
import { createLog } from '../../src/log/log.ts';
import { openTerminal } from './terminal.ts';

const terminal = await openTerminal();
after(() => terminal.close());

test("a demo does not take another service's answers for its own: it names the process and writes nothing", async () => {
  const socketPath = join(terminal.directory, '.linekeeper/demo/state/admin.sock');
  mkdirSync(dirname(socketPath), { recursive: true });
  const admin = await openAdmin({ socketPath, services: terminal.services, log: createLog({ level: 'silent' }) });
  const { pid } = await terminal.services.health();
  const { code, out, err } = await terminal.run(['demo']);
  await admin.close();
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, new RegExp(`^demo: a service works in .*/state already, process ${pid}: end it with kill ${pid}`));
});

test("what a process said last is its log's last message, or its last line", () => {
  const log = join(terminal.directory, 'service.log');
  writeFileSync(log, '{"message":"one"}\n{"level":"error","message":"PostgreSQL did not start"}\n');
  assert.equal(lastMessage(log), 'PostgreSQL did not start');
  writeFileSync(log, 'simulator: port 22 is taken\n');
  assert.equal(lastMessage(log), 'simulator: port 22 is taken');
  writeFileSync(log, '');
  assert.equal(lastMessage(log), null);
});

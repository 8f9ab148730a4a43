import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { NotifyError, openDatagram } from '../../src/release/datagram.ts';
import { openServiceManager, takeManagerPlace } from '../../src/release/notify.ts';
import { receiveDatagrams } from '../support/datagrams.ts';

const directory = mkdtempSync(join(tmpdir(), 'notify-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

test('speaks to a path and to an abstract name', async () => {
  for (const socket of [join(directory, 'path'), `@linekeeper-test-${process.pid}`]) {
    const receiver = receiveDatagrams(socket);
    const manager = await openServiceManager({ socket, watchdogMs: null, adminDescriptor: null });
    assert.equal(manager.ready('working'), true);
    manager.status('working');
    manager.status('one\nREADY=1');
    manager.feed();
    manager.stopping('told to');
    manager.stopping('told to');
    manager.status('after the end');
    assert.deepEqual(receiver.received(), [
      'READY=1\nSTATUS=working',
      'STATUS=one READY=1',
      'WATCHDOG=1',
      'STOPPING=1\nSTATUS=told to',
      'EXTEND_TIMEOUT_USEC=15000000',
    ]);
    receiver.close();
  }
});

test('a manager that does not read costs the datagram and never a wait', async () => {
  const socket = join(directory, 'full');
  const receiver = receiveDatagrams(socket);
  const datagram = await openDatagram(socket);
  let taken = 0;
  while (datagram.send('WATCHDOG=1')) taken += 1;
  assert.equal(receiver.received().length, taken);
  assert.equal(datagram.send('WATCHDOG=1'), true, 'it is heard again once the other end reads');
  datagram.close();
  receiver.close();
});

test('READY that was not heard is said to be so, to be said again', async () => {
  const socket = join(directory, 'late');
  const manager = await openServiceManager({ socket, watchdogMs: null, adminDescriptor: null });
  assert.equal(manager.ready('working'), false);
  const receiver = receiveDatagrams(socket);
  assert.equal(manager.ready('working'), true);
  receiver.close();
});

test('an address that cannot be reached is refused by name', async () => {
  await assert.rejects(
    openDatagram('vsock:2:1'),
    (error: Error) => error instanceof NotifyError && /vsock:2:1/.test(error.message),
  );
  await assert.rejects(openDatagram(`/${'x'.repeat(108)}`), /longer than 108 bytes/);
});

test('takes everything that names the manager out of the environment, and nothing else', () => {
  const env: Record<string, string | undefined> = {
    NOTIFY_SOCKET: '/run/notify',
    WATCHDOG_USEC: '30000000',
    WATCHDOG_PID: '7',
    LISTEN_FDS: '1',
    LISTEN_PID: '7',
    LISTEN_FDNAMES: 'admin',
    PATH: '/bin',
    NOTIFY_SOCKETS: 'kept',
  };
  assert.deepEqual(takeManagerPlace(env, 7), { socket: '/run/notify', watchdogMs: 30_000, adminDescriptor: 3 });
  assert.deepEqual(env, { PATH: '/bin', NOTIFY_SOCKETS: 'kept' });
});

test('a watchdog that watches another process is not ours to feed', () => {
  assert.equal(takeManagerPlace({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 8).watchdogMs, null);
  assert.equal(takeManagerPlace({ WATCHDOG_USEC: 'soon' }, 8).watchdogMs, null);
  assert.equal(takeManagerPlace({}, 8).socket, null);
});

test('a listening socket is taken by its name, or as the only one, and never when it was meant for another process', () => {
  const taken = (env: Record<string, string>) => takeManagerPlace(env, 7).adminDescriptor;
  assert.equal(taken({ LISTEN_FDS: '2', LISTEN_PID: '7', LISTEN_FDNAMES: 'other:admin' }), 4);
  assert.equal(taken({ LISTEN_FDS: '1', LISTEN_PID: '7' }), 3);
  assert.equal(taken({ LISTEN_FDS: '2', LISTEN_PID: '7' }), null);
  assert.equal(taken({ LISTEN_FDS: '1', LISTEN_PID: '8', LISTEN_FDNAMES: 'admin' }), null);
  assert.equal(taken({ LISTEN_FDS: 'x', LISTEN_PID: '7' }), null);
  assert.equal(taken({}), null);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  type Ownership,
  ownStateDirectory,
  ownStateDirectorySoon,
  StateDirectoryOwnedError,
} from '../../../src/database/embedded/ownership.ts';

const root = mkdtempSync(join(tmpdir(), 'lk-own-'));
after(() => rmSync(root, { recursive: true }));

function fresh(name: string): string {
  const directory = join(root, name);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** What a killed owner leaves: a socket file on which nobody listens. */
function leaveStale(directory: string): void {
  const module = join(import.meta.dirname, '../../../src/database/embedded/ownership.ts');
  const script = `import(${JSON.stringify(module)}).then((m) => m.ownStateDirectory(process.argv[1])).then(() => process.kill(process.pid, 'SIGKILL'))`;
  assert.throws(() => execFileSync(process.execPath, ['-e', script, directory], { stdio: 'ignore' }));
  assert.ok(existsSync(join(directory, 'owner.sock')));
}

test('a directory has one owner at a time, and leaves nothing behind when given up', async () => {
  const directory = fresh('one');
  const owner = await ownStateDirectory(directory);
  await assert.rejects(ownStateDirectory(directory), (error) => {
    assert.ok(error instanceof StateDirectoryOwnedError);
    assert.equal(error.ownerPid, process.pid);
    assert.match(error.message, new RegExp(`${directory} is in use by process ${process.pid}`));
    return true;
  });
  await Promise.all([owner.release(), owner.release()]);
  assert.deepEqual(readdirSync(directory), []);
  await (await ownStateDirectory(directory)).release();
});

test('a successor waits for an owner that is ending, and no longer than it says', async () => {
  const directory = fresh('ending');
  const owner = await ownStateDirectory(directory);
  await assert.rejects(ownStateDirectorySoon(directory, 0), StateDirectoryOwnedError);
  const successor = ownStateDirectorySoon(directory, 60_000);
  await owner.release();
  await (await successor).release();
});

test('a path far longer than a socket’s may be is no obstacle', async () => {
  const directory = fresh(`${'long'.repeat(30)}/${'path'.repeat(30)}`);
  const owner = await ownStateDirectory(directory);
  await assert.rejects(ownStateDirectory(directory), StateDirectoryOwnedError);
  await owner.release();
});

test('of many who find a killed owner’s socket exactly one becomes the owner', async () => {
  for (let round = 0; round < 3; round += 1) {
    const directory = fresh(`race${round}`);
    leaveStale(directory);
    const tries = await Promise.allSettled(Array.from({ length: 12 }, () => ownStateDirectory(directory)));
    const owners = tries.filter((one) => one.status === 'fulfilled').map((one) => one.value as Ownership);
    for (const one of tries) {
      if (one.status === 'rejected') assert.ok(one.reason instanceof StateDirectoryOwnedError, String(one.reason));
    }
    assert.equal(owners.length, 1);
    await owners[0]!.release();
    assert.deepEqual(readdirSync(directory), []);
  }
});

test('an owner that listens and does not answer is still an owner', async () => {
  const directory = fresh('silent');
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(join(directory, 'owner.sock'), resolve));
  await assert.rejects(ownStateDirectory(directory), /a process that holds it but did not answer/);
  assert.ok(existsSync(join(directory, 'owner.sock')));
  server.close();
});

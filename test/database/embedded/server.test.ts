import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type EmbeddedEnd, type EmbeddedServer, startEmbedded } from '../../../src/database/embedded/server.ts';
import { ask, gone, lives, type Owner, startOwner, stopOwner } from '../../support/embedded-owner.ts';

const log = { info: () => {}, warn: () => {} };

// One life after the other on the same state: each test begins where the one before ended.
describe('an embedded server', () => {
  let root: string;
  let place: { stateDirectory: string; systemDirectory: string };
  let owner: Owner;

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'lk-embedded-'));
    chmodSync(root, 0o711);
    place = { stateDirectory: root, systemDirectory: join(root, 'system') };
    owner = await startOwner(place);
  });
  after(async () => {
    await stopOwner(owner);
    rmSync(root, { recursive: true });
  });

  test('is durable, speaks through a socket only and lets nobody in by password', async () => {
    const rows = await ask(
      owner.url,
      `select current_setting('fsync') as fsync, current_setting('full_page_writes') as pages, current_setting('listen_addresses') as tcp, current_database() as name`,
    );
    assert.deepEqual(rows, [{ fsync: 'on', pages: 'on', tcp: '', name: 'linekeeper' }]);
    await assert.rejects(ask(owner.url.replace('linekeeper@', 'postgres@'), 'select 1'), /no pg_hba.conf entry/);
  });

  test('inherits nothing of the process manager', () => {
    for (const pid of [owner.postmasterPid, owner.keeperPid]) {
      const names = readFileSync(`/proc/${pid}/environ`, 'utf8')
        .split('\0')
        .map((entry) => entry.split('=')[0]!);
      assert.deepEqual(
        names.filter((name) => /^(NOTIFY|WATCHDOG|LISTEN|NODE_OPTIONS|PG[A-Z]+$)/.test(name) && name !== 'PGDATA'),
        [],
      );
    }
  });

  test('is refused to a second opener, with the pid of the owner and the directory', async () => {
    await assert.rejects(startEmbedded({ ...place, log }), (error: Error) => {
      assert.equal(error.name, 'StateDirectoryOwnedError');
      assert.match(error.message, new RegExp(`${root} is in use by process ${owner.pid}`));
      return true;
    });
    assert.ok(lives(owner.postmasterPid));
  });

  test('ends soon after its owner is killed, and the next start has the committed rows at once', async () => {
    await ask(owner.url, `create table mark (n integer); insert into mark values (1)`);
    owner.process.kill('SIGKILL');
    await gone(owner.pid);
    // Not waited for: the next start itself must cope with the old keeper still stopping the server.
    const next = await startOwner(place);
    assert.equal(next.adopted, false);
    assert.ok(!lives(owner.postmasterPid));
    await gone(owner.keeperPid, 1_000);
    assert.deepEqual(await ask(next.url, 'select n from mark'), [{ n: 1 }]);
    owner = next;
    owner.process.kill('SIGKILL');
    await gone(owner.postmasterPid, 5_000);
    await gone(owner.keeperPid, 5_000);
    owner = await startOwner(place);
  });

  test('is adopted when its owner and its keeper were both killed, and its new keeper stops it', async () => {
    process.kill(owner.keeperPid, 'SIGSTOP');
    owner.process.kill('SIGKILL');
    await gone(owner.pid);
    process.kill(owner.keeperPid, 'SIGKILL');
    await gone(owner.keeperPid);
    const next = await startOwner(place);
    assert.equal(next.adopted, true);
    assert.equal(next.postmasterPid, owner.postmasterPid);
    assert.deepEqual(await ask(next.url, 'select n from mark'), [{ n: 1 }]);
    next.process.kill('SIGKILL');
    await gone(next.postmasterPid, 5_000);
    owner = await startOwner(place);
  });

  test('that is an orphan and does not answer is ended and started anew', async () => {
    process.kill(owner.keeperPid, 'SIGSTOP');
    owner.process.kill('SIGKILL');
    await gone(owner.pid);
    process.kill(owner.keeperPid, 'SIGKILL');
    await ask(owner.url, `create table mark2 (n integer)`);
    rmSync(join(root, 'postgresql/socket/.s.PGSQL.5432'));
    const next = await startOwner({ ...place });
    assert.equal(next.adopted, false);
    assert.notEqual(next.postmasterPid, owner.postmasterPid);
    assert.deepEqual(await ask(next.url, 'select n from mark2'), []);
    owner = next;
  });

  test('whose postmaster is killed tells its owner once, and a restart keeps what was committed', async () => {
    await stopOwner(owner);
    const server = await startEmbedded({ ...place, log });
    await ask(server.url, 'insert into mark values (2)');
    const end = ended(server);
    process.kill(server.pid, 'SIGKILL');
    assert.deepEqual(await end, { wanted: false, reason: 'ended by SIGKILL' });
    // At once: children of the killed one may still hold the memory, and our own lock must be free by now.
    const again = await startEmbedded({ ...place, log });
    assert.deepEqual(await ask(again.url, 'select n from mark order by n'), [{ n: 1 }, { n: 2 }]);
    const stopped = ended(again);
    await Promise.all([again.stop(), again.stop()]);
    assert.equal((await stopped).wanted, true);
    assert.ok(!lives(again.pid));
    owner = await startOwner(place);
  });

  test('whose keeper is killed goes on, and the next start of the same process adopts it', async () => {
    await stopOwner(owner);
    const server = await startEmbedded({ ...place, log });
    const end = ended(server);
    process.kill(server.keeperPid, 'SIGKILL');
    assert.match((await end).reason, /lost its keeper \(SIGKILL\)/);
    const again = await startEmbedded({ ...place, log });
    assert.equal(again.pid, server.pid);
    await again.stop();
    assert.ok(!lives(server.pid));
    owner = await startOwner(place);
  });
});

function ended(server: EmbeddedServer): Promise<EmbeddedEnd> {
  return new Promise((resolve) => {
    server.onEnd(resolve);
  });
}

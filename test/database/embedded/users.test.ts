import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ask, startOwner, stopOwner } from '../../support/embedded-owner.ts';
import { copyProject, type PortableProject } from '../../support/portable-project.ts';

const isRoot = process.getuid?.() === 0;
const ordinary = { uid: 65_534, gid: 65_534 };

/** Files need no privilege, but becoming someone else does; an ordinary user's run is what server.test.ts shows then. */
describe('who runs the embedded server', { skip: isRoot ? false : 'only root can become other users' }, () => {
  let root: string;
  let project: PortableProject;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'lk-users-'));
    chmodSync(root, 0o711);
    mkdirSync(join(root, 'home'), { mode: 0o755 });
    project = copyProject(join(root, 'home/clone'));
  });
  after(() => rmSync(root, { recursive: true }));

  function open(path: string, mode: number, owner?: { uid: number; gid: number }): string {
    const directory = join(root, path);
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, mode);
    if (owner) chownSync(directory, owner.uid, owner.gid);
    return directory;
  }

  test('an ordinary user runs it as itself, also where the path is too long for a socket', async () => {
    const stateDirectory = open(`ordinary/${'directory/'.repeat(12)}`, 0o755, ordinary);
    const place = {
      stateDirectory,
      systemDirectory: join(root, 'none'),
      project: project.directory,
      node: project.node,
    };
    const owner = await startOwner({ ...place, user: ordinary });
    assert.equal(statSync(`/proc/${owner.postmasterPid}`).uid, ordinary.uid);
    assert.deepEqual(await ask(owner.url, 'select current_user::text as name'), [{ name: 'linekeeper' }]);
    const socket = new URL(owner.url.replace('@/', '@x/')).searchParams.get('host')!;
    assert.ok(socket.length < 60, socket);
    assert.equal(statSync(socket).mode & 0o777, 0o700);
    await stopOwner(owner);
    assert.ok(!existsSync(join(root, 'none')));

    // The same state by root: it goes on as the user that made it.
    const byRoot = await startOwner(place);
    assert.equal(statSync(`/proc/${byRoot.postmasterPid}`).uid, ordinary.uid);
    await stopOwner(byRoot);
    assert.ok(!existsSync(socket));
  });

  test('data that another user made is refused with both users named', async () => {
    const stateDirectory = open('foreign', 0o777);
    open('foreign/postgresql/data', 0o700, ordinary);
    const place = {
      stateDirectory,
      systemDirectory: join(root, 'none'),
      project: project.directory,
      node: project.node,
    };
    await assert.rejects(
      startOwner({ ...place, user: { uid: 65_533, gid: 65_533 } }),
      /belongs to uid 65534 and this process runs as uid 65533/,
    );
  });

  test('a clone under a mode-700 home works for root, says so in one line, and finds its data again', async () => {
    chmodSync(join(root, 'home'), 0o700);
    const stateDirectory = open('home/clone/.linekeeper', 0o755);
    const systemDirectory = join(root, 'system');
    const place = { stateDirectory, systemDirectory, project: project.directory, node: project.node };
    const first = await startOwner(place);
    assert.equal(first.lines.length, 1);
    assert.match(
      first.lines[0]!,
      /PostgreSQL runs as user \w+, who cannot reach everything here, so it has its data in .*system\/.* and its programs in .*system\/postgresql-/,
    );
    await ask(first.url, 'create table mark (n integer)');
    first.process.kill('SIGKILL');
    const second = await startOwner(place);
    assert.deepEqual(await ask(second.url, 'select n from mark'), []);
    await stopOwner(second);

    // A copy of the state directory must not open the original's data.
    const copy = open('home/clone/copy', 0o755);
    mkdirSync(join(copy, 'postgresql'));
    copyFileSync(join(stateDirectory, 'postgresql/placement.json'), join(copy, 'postgresql/placement.json'));
    await assert.rejects(startOwner({ ...place, stateDirectory: copy }), /is a copy of .*\.linekeeper/);

    // A state directory that is removed takes its data along.
    rmSync(stateDirectory, { recursive: true });
    mkdirSync(stateDirectory);
    const fresh = await startOwner(place);
    await assert.rejects(ask(fresh.url, 'select n from mark'), /does not exist/);
    await stopOwner(fresh);
    const clusters = readdirSync(systemDirectory).filter((name) => !name.startsWith('postgresql-'));
    assert.equal(clusters.length, 1);
  });
});

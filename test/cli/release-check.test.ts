/** `release check` on copies of this project in which something is broken. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { testDatabase } from '../support/database.ts';

const project = join(import.meta.dirname, '../..');
const root = mkdtempSync(join(tmpdir(), 'lk-check-'));
const release = join(root, 'release');
after(() => rmSync(root, { recursive: true }));
before(() => {
  for (const part of ['bin', 'src', 'actors', 'supervisors', 'otel', 'package.json']) {
    cpSync(join(project, part), join(release, part), { recursive: true });
  }
  symlinkSync(join(project, 'node_modules'), join(release, 'node_modules'));
});

function check(env: Record<string, string> = {}) {
  const all = { PATH: process.env.PATH ?? '', LINEKEEPER_NODE: process.execPath, ...env };
  const options = { cwd: root, env: all, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(join(release, 'bin/linekeeper'), ['release', 'check'], options);
  return { status, lines: stdout.trim().split('\n'), stderr };
}

test('a release that is whole fits, is silent on standard error and leaves nothing behind', () => {
  const { status, lines, stderr } = check();
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(lines[0]!, /^fits {3}modules: all \d{3} load$/);
  assert.equal(lines[1], 'fits   configuration: it is right');
  assert.match(lines[2]!, /^fits {3}schema: the embedded database/);
  assert.equal(lines[3], `release 0.1.0 in ${release} can be started here`);
});

test('a wrong configuration is exit code 78, also a secret that leads nowhere; another failure is 1', () => {
  const wrong = check({ LINEKEEPER_CHAINS_LANES: '0' });
  assert.equal(wrong.status, 78);
  assert.match(wrong.lines[1]!, /^FAILS {2}configuration: .*chains\.lanes is 0/);
  const secret = check({ LINEKEEPER_DATABASE_URL: '{"file":"/nowhere/url"}' });
  assert.equal(secret.status, 78, secret.lines.join());
  assert.match(secret.lines[1]!, /^FAILS {2}configuration: .*\/nowhere\/url/);
  const away = check({ DATABASE_URL: 'postgres://someone:hidden@127.0.0.1:1/none' });
  assert.equal(away.status, 1);
  assert.match(away.lines[2]!, /^FAILS {2}schema: .*ECONNREFUSED/);
  assert.ok(!away.lines.join().includes('hidden'));
});

test('with several hosts the schema is looked at where the database is', async () => {
  const database = await testDatabase();
  try {
    const several = check({ DATABASE_URL: database.url.replace('host=', 'host=/nowhere,') });
    assert.match(several.lines[2]!, /^fits {3}schema: the schema is its own$/);
  } finally {
    await database.close();
  }
  const none = check({ DATABASE_URL: 'postgres://me:hidden@127.0.0.1:1,127.0.0.1:2/none' });
  assert.match(none.lines[2]!, /^FAILS {2}schema: 127\.0\.0\.1:1 cannot be reached: .*; 127\.0\.0\.1:2 cannot/);
  assert.ok(!none.lines.join().includes('hidden'));
});

test('a file that is not whole is found, wherever it is loaded: in a thread, late, or as a program of its own', () => {
  for (const file of [
    'src/compute/worker.ts',
    'src/database/embedded/keeper.ts',
    'src/process/watchdog-thread.ts',
    'src/cli/totals-explain.ts',
  ]) {
    const path = join(release, file);
    appendFileSync(path, '\nconst = ;\n');
    const { status, lines, stderr } = check();
    assert.equal(status, 1, file);
    assert.match(lines[0]!, new RegExp(`^FAILS {2}modules: ${file} does not load: `), stderr);
    assert.match(lines.at(-1)!, /can NOT be started here$/);
    cpSync(join(project, file), path);
  }
});

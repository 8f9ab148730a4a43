import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const repository = join(import.meta.dirname, '..', '..');

/** Runs .ci/run with an npm that writes down what it is asked for and fails at one of its commands. */
function run(failsAt: string): { code: number | null; asked: string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'lk-ci-'));
  try {
    const log = join(directory, 'log');
    writeFileSync(join(directory, 'npm'), `#!/bin/sh\necho "$*" >>${log}\n[ "$*" != "${failsAt}" ]\n`);
    chmodSync(join(directory, 'npm'), 0o755);
    const ended = spawnSync(join(repository, '.ci', 'run'), { env: { PATH: `${directory}:/usr/bin:/bin` } });
    return { code: ended.status, asked: readFileSync(log, 'utf8').trim().split('\n') };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('.ci/run runs the test command of the README and the checks', () => {
  assert.deepEqual(run('nothing'), { code: 0, asked: ['ci', 'test', 'run check'] });
  assert.ok(readFileSync(join(repository, 'README.md'), 'utf8').includes('\nnpm ci && npm test\n'));
});

test('.ci/run fails as soon as one of its commands fails', () => {
  assert.deepEqual(run('ci'), { code: 1, asked: ['ci'] });
  assert.deepEqual(run('test'), { code: 1, asked: ['ci', 'test'] });
  assert.deepEqual(run('run check'), { code: 1, asked: ['ci', 'test', 'run check'] });
});

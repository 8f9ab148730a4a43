import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { prepareStateDirectory, StateDirectoryError } from '../../src/config/state-directory.ts';

const directory = mkdtempSync(join(tmpdir(), 'lk-state-'));
after(() => rmSync(directory, { recursive: true }));

test('a state directory is made with its parents, and nothing is left in it', () => {
  const state = join(directory, 'a/b');
  prepareStateDirectory(state);
  prepareStateDirectory(state);
  assert.deepEqual(readdirSync(state), []);
  assert.equal(statSync(state).mode & 0o066, 0);
});

test('a state directory that is a file is refused with its path and a way out', () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below')]) {
    assert.throws(
      () => prepareStateDirectory(path),
      (error) =>
        error instanceof StateDirectoryError &&
        error.message.includes(path) &&
        /set stateDirectory/.test(error.message),
    );
  }
});

test('a state directory where nothing may be made is refused', () => {
  // Nobody, not even root, makes a directory in /proc.
  assert.throws(() => prepareStateDirectory('/proc/linekeeper'), StateDirectoryError);
  assert.ok(!existsSync('/proc/linekeeper'));
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { resolveSecret, SecretError } from '../../src/config/secret.ts';

const directory = mkdtempSync(join(tmpdir(), 'lk-secret-'));
after(() => rmSync(directory, { recursive: true }));

test('a secret comes from a variable, a file or a systemd credential', () => {
  writeFileSync(join(directory, 'pw'), 'from file\n');
  assert.equal(resolveSecret('plain', {}), 'plain');
  assert.equal(resolveSecret({ env: 'PW' }, { PW: 'from env' }), 'from env');
  assert.equal(resolveSecret({ file: join(directory, 'pw') }, {}), 'from file');
  assert.equal(resolveSecret({ credential: 'pw' }, { CREDENTIALS_DIRECTORY: directory }), 'from file');
});

test('a reference that leads nowhere is refused by its name', () => {
  writeFileSync(join(directory, 'empty'), '\n');
  assert.throws(() => resolveSecret({ env: 'PW' }, {}), /environment variable PW/);
  assert.throws(() => resolveSecret({ file: join(directory, 'none') }, {}), /none cannot be read \(ENOENT\)/);
  assert.throws(() => resolveSecret({ file: join(directory, 'empty') }, {}), /is empty/);
  assert.throws(
    () => resolveSecret({ credential: 'pw' }, {}),
    (error) => {
      assert.ok(error instanceof SecretError);
      assert.match(error.message, /LoadCredential=pw/);
      return true;
    },
  );
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const script = join(import.meta.dirname, '..', '..', 'scripts', 'test.ts');

/** `npm test` on one file of this text, in a process that does not know it runs inside a test. */
function run(text: string | null): { code: number | null; output: string } {
  const directory = mkdtempSync(join(tmpdir(), 'lk-run-'));
  try {
    const file = join(directory, 'one.test.ts');
    if (text !== null) writeFileSync(file, text);
    const { NODE_TEST_CONTEXT: _, LINEKEEPER_TEST_DATABASE_URL: __, ...env } = process.env;
    const ended = spawnSync(process.execPath, [script, file], { encoding: 'utf8', env });
    return { code: ended.status, output: ended.stdout + ended.stderr };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('names a shared PostgreSQL to the tests, prints the closing counts and exits 0', () => {
  const { code, output } = run(`
    import { test } from 'node:test';
    import assert from 'node:assert/strict';
    test('sees the server', () => assert.match(process.env.LINEKEEPER_TEST_DATABASE_URL, /^postgres:/));
  `);
  assert.equal(code, 0, output);
  assert.match(output, /tests 1\n/);
  assert.match(output, /pass 1\n/);
});

test('exits 1 when a test fails', () => {
  const { code, output } = run(`
    import { test } from 'node:test';
    test('fails', () => { throw new Error('as it should'); });
  `);
  assert.equal(code, 1, output);
  assert.match(output, /fail 1\n/);
});

test('refuses a file that is not there instead of testing nothing', () => {
  const { code, output } = run(null);
  assert.equal(code, 1, output);
  assert.match(output, /no test file matches/);
});

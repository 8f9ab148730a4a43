import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameProblems } from '../../scripts/check-files.ts';

for (const word of ['util', 'utils', 'common', 'helper', 'helpers', 'manager', 'misc']) {
  test(`refuses a file and a folder named ${word}`, () => {
    assert.equal(nameProblems([`src/${word}.ts`]).length, 1);
    assert.equal(nameProblems([`src/file-${word}.test.ts`]).length, 1);
    assert.equal(nameProblems([`src/${word}/file.ts`]).length, 1);
  });
}

test('accepts words that only contain a forbidden one', () => {
  assert.deepEqual(nameProblems(['src/utilisation.ts', 'src/uncommon-rates.ts', 'src/mischief.ts']), []);
});

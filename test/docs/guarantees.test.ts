import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const docs = join(import.meta.dirname, '../../docs');
const page = readFileSync(join(docs, 'guarantees.md'), 'utf8');

test('every proof that docs/guarantees.md names is a test of the file that it leads to', () => {
  const proofs = [...page.matchAll(/\[([^\]]+)\]\((\.\.\/test\/[^)]+)\)/g)];
  assert.ok(proofs.length > 30, String(proofs.length));
  for (const [, words, path] of proofs) {
    const titles = readFileSync(join(docs, path!), 'utf8')
      .split('\n')
      .filter((line) => /\b(test|describe)\(/.test(line));
    assert.ok(
      titles.some((title) => title.includes(words!)),
      `${path} has no test with the words "${words}"`,
    );
  }
});

test('every promise names its proof and where it ends', () => {
  const promises = page.split(/^- \*\*/m).slice(1);
  assert.ok(promises.length > 18, String(promises.length));
  for (const promise of promises) {
    if (promise.includes('](releases.md)')) continue;
    assert.match(promise, /- Proof: \[/, promise);
    assert.match(promise, /- Ends: /, promise);
  }
});

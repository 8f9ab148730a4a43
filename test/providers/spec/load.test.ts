/** What a description of a provider must not say although each part of it may be said. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ProviderFileError, readProvider } from '../../../src/providers/spec/load.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/providers.md'), 'utf8');
const example = /```json\n([\s\S]*?)```/.exec(page)![1]!;

function problemsOf(t: TestContext, text: string): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'load-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'one.json');
  writeFileSync(file, text);
  try {
    readProvider(file);
    return [];
  } catch (error) {
    assert.ok(error instanceof ProviderFileError);
    return error.problems.map((problem) => problem.replace(`${file}: `, ''));
  }
}

test('the pattern of names is of the whole name, so that nothing that is still being written matches', (t) => {
  assert.deepEqual(problemsOf(t, example), []);
  for (const name of [
    'usage_(?<account>\\\\d{10})_(?<day>\\\\d{8})\\\\.csv',
    '^usage_(?<account>\\\\d{10})_(?<day>\\\\d{8})\\\\.csv',
    'usage_(?<account>\\\\d{10})_(?<day>\\\\d{8})\\\\.csv$',
    '^usage_(?<account>\\\\d{10})_(?<day>\\\\d{8})\\\\.csv\\\\$',
  ]) {
    const changed = example.replace(/"name": "\^usage[^"]*"/, () => `"name": "${name}"`);
    const [problem] = problemsOf(t, changed);
    assert.match(
      problem ?? '',
      /^layout\.files\.name: ".*" must begin with \^ and end with \$, as it is of the whole name$/,
      name,
    );
  }
});

const named = {
  name: '^(?<account>\\d+)_(?<from>\\w+)_(?<to>\\w+)_(?<read>\\w+)_(?<page>\\d{4,})\\.json$',
  logicalKey: ['account', 'from', 'to', 'read', 'page'],
};

function pagesWith(t: TestContext, query: object, files: object): readonly string[] {
  const described = JSON.parse(example) as { discover: object; layout: { files: { framing: object; name: string } } };
  described.discover = {
    ...{ kind: 'pages', transports: ['rest'], auth: { kind: 'basic' }, path: '/usage/{account}', query },
    ...{ page: { style: 'cursor', parameter: 'c', next: 'next', items: 'items' }, identity: { id: 'id' } },
  };

  described.layout.files = { ...described.layout.files, framing: { kind: 'json', items: 'items' }, ...files };
  return problemsOf(t, JSON.stringify(described));
}

test('a path or query of an API has the window, and no placeholder that nobody fills', (t) => {
  const pages = (query: object) => pagesWith(t, query, named);
  assert.deepEqual(pages({ from: '{from}', to: '{to}' }), []);
  assert.deepEqual(pages({ from: '{form}', to: '{to}' }), [
    'discover: {form} is none of {account}, {from} and {to}',
    'discover: {from} stands neither in path nor in query: every window would have all usage',
  ]);
});

test('the names of pages are allowed, and no page takes the place of another', (t) => {
  const query = { from: '{from}', to: '{to}' };
  const problem = (files: object) => pagesWith(t, query, { ...named, ...files });
  assert.deepEqual(problem({}), []);
  assert.deepEqual(problem({ name: '^(?<account>\\d+)_(?<page>\\d{4})\\.json$', logicalKey: ['account', 'page'] }), [
    'layout.files.name: "^(?<account>\\\\d+)_(?<page>\\\\d{4})\\\\.json$" must allow <account10>_<from>_<to>_<read>_<page>.json, such as 0000000101_20260101T000000Z_20260102T000000Z_20260102T000000Z_0001.json',
  ]);
  for (const missing of ['from', 'to', 'read', 'page']) {
    const logicalKey = named.logicalKey.filter((group) => group !== missing);
    const [told] = problem({ logicalKey });
    assert.match(
      told ?? '',
      /^layout\.files\.logicalKey: .* is the same for pages of other windows, readings or numbers: each would cancel/,
    );
  }
});

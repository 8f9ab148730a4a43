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

test('a path or query of an API has the window, and no placeholder that nobody fills', (t) => {
  const pages = (query: object) => {
    const described = JSON.parse(example) as { discover: object; layout: { files: { framing: object; name: string } } };
    described.discover = {
      ...{ kind: 'pages', transports: ['rest'], auth: { kind: 'basic' }, path: '/usage/{account}', query },
      ...{ page: { style: 'cursor', parameter: 'c', next: 'next', items: 'items' }, identity: { id: 'id' } },
    };
    described.layout.files.framing = { kind: 'json', items: 'items' };
    return problemsOf(t, JSON.stringify(described));
  };
  assert.deepEqual(pages({ from: '{from}', to: '{to}' }), []);
  assert.deepEqual(pages({ from: '{form}', to: '{to}' }), [
    'discover: {form} is none of {account}, {from} and {to}',
    'discover: {from} stands neither in path nor in query: every window would have all usage',
  ]);
});

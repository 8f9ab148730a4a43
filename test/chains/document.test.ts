import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { AnyDefinition } from '../../src/chains/registry.ts';
import { harness, isState } from './harness.ts';

const root = join(import.meta.dirname, '../..');

test('the examples of docs/chains.md run and do what the page says', async () => {
  const page = readFileSync(join(root, 'docs/chains.md'), 'utf8');
  const example = [...page.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map(([, code]) => code)
    .join('')
    .replaceAll(`'../src/`, `'${pathToFileURL(root).href}/src/`)
    .replace(`'zod'`, `'${import.meta.resolve('zod')}'`);
  const directory = mkdtempSync(join(tmpdir(), 'lk-doc-'));
  const file = join(directory, 'example.ts');
  writeFileSync(file, example);
  const { weigh, weighAll } = (await import(pathToFileURL(file).href)) as Record<'weigh' | 'weighAll', AnyDefinition>;
  const h = await harness();
  await h.database.query('create table weight (customer text, sum integer)');
  h.engine([weigh, weighAll]);
  const enqueue = h.enqueueWith([weigh, weighAll]);
  const [good, empty, missing] = await Promise.all(
    ['C001', 'C002', 'C003'].map((customer) => enqueue(h.database, weigh, { customer })),
  );
  const row = await h.chainUntil(good!.chainId, isState('succeeded'));
  assert.deepEqual(row.previous, { sum: 7 });
  assert.deepEqual(await h.database.query('select * from weight'), [{ customer: 'C001', sum: 7 }]);
  assert.match((await h.chainUntil(empty!.chainId, isState('failed'))).reason, /C002 is empty/);
  assert.match((await h.chainUntil(missing!.chainId, isState('timer'))).reason, /nothing has arrived for C003/);
  const all = await enqueue(h.database, weighAll, { customers: ['C001', 'C002', 'C001'] });
  assert.deepEqual((await h.chainUntil(all.chainId, isState('succeeded'))).previous, { sum: 14 });
  await h.close();
  rmSync(directory, { recursive: true });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseLayoutDocument } from '../../src/preview/layout-document.ts';
import { providerLayout } from '../../src/preview/provider-layout.ts';
import { builtInProviders } from '../../src/providers/built-in.ts';
import { layoutSpec } from '../../src/providers/spec/layout-spec.ts';
import { layout, provider } from './usage-world.ts';

const root = join(import.meta.dirname, '../..');
const example = (name: string) =>
  JSON.parse(/```json\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs', name), 'utf8'))![1]!);

test('the example of docs/preview.md is a layout, and every problem of a wrong one is told', () => {
  assert.equal(parseLayoutDocument(example('preview.md')).kinds.length, 2);
  const { columns, kinds } = layout;
  const wrong: [unknown, RegExp][] = [
    [null, /must be an object/],
    [{ ...layout, delimiter: '|' }, /delimiter: "\|" must be "," or ";"/],
    [{ ...layout, columns: { ...columns, to: columns.key } }, /columns\.to: "Id" is the column of another field too/],
    [{ ...layout, kinds: { ...kinds, 'a;b': kinds.sms } }, /kinds\.a;b: .* no quote and no ;/],
    [
      { ...layout, kinds: { x: { kind: 'credit', category: 'no' } } },
      /must be one of voice[\s\S]*category: "no" must be/,
    ],
    [{ ...layout, kinds: {} }, /must have 1 to 255 words/],
    [{ ...layout, colums: {} }, /colums: .* the nearest known is "columns"/],
  ];
  for (const [document, message] of wrong) assert.throws(() => parseLayoutDocument(document), message);
});

test('the layout of a provider is taken when it says no more than a preview reads, else every reason is told', () => {
  const made = providerLayout(layoutSpec.parse(provider.layout));
  assert.deepEqual(made, { ok: true, layout: parseLayoutDocument(layout) });
  const reasons = (spec: unknown) => {
    const refused = providerLayout(layoutSpec.parse(spec));
    return refused.ok ? 'taken' : refused.reasons.join('; ');
  };
  assert.deepEqual(
    builtInProviders.map(({ adapter }) => reasons(adapter.layout)),
    ['its files are fixed, no CSV', 'its files are json, no CSV'],
  );
  const told = reasons(example('providers.md').layout);
  for (const part of [
    'Nummer (msisdn) is written as msisdn, and must be digits',
    'Begin (start) is written as local, and must be iso',
    'Bedrag (amount) is written as decComma, and must be dec, in EUR',
    'the kind stands in Soort, and must stand in the column of the code',
    'records of kind sms have no usage',
  ]) {
    assert.ok(told.includes(part), `${part}: ${told}`);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LayoutSource } from '../../../src/providers/spec/layout-spec.ts';
import { decodeBytes, type Outcome } from './pass-in-test.ts';

const layout = (items: string | null = 'data.items'): LayoutSource => ({
  files: {
    name: '^page',
    nameShown: 'page.json',
    encoding: 'utf-8',
    framing: { kind: 'json', items },
    logicalKey: ['cursor'],
    lineErrors: { share: 1, below: 50 },
  },
  records: {
    types: [
      {
        name: 'usage',
        fields: [
          { to: 'id', from: 'id', as: 'text' },
          { to: 'version', from: 'version', as: 'int' },
          {
            to: 'state',
            from: 'state',
            as: 'enum',
            values: { final: 'final', provisional: 'provisional', void: 'void' },
          },
          {
            to: 'kind',
            from: 'type',
            as: 'enum',
            values: { voice: 'voice', sms: 'sms', data: 'data', fee: 'recurring' },
          },
          { to: 'msisdn', from: 'subscriber', as: 'msisdn' },
          { to: 'dialled', from: 'to', as: 'dialled', optional: true },
          { to: 'start', from: 'startedAt', as: 'iso' },
          { to: 'seconds', from: 'seconds', as: 'int', optional: true },
          { to: 'octets', from: 'bytes', as: 'int', optional: true },
          { to: 'count', from: 'count', as: 'int', optional: true },
          { to: 'code', from: 'class', as: 'text', optional: true },
          { to: 'visited', from: 'plmn', as: 'digits', optional: true },
          { to: 'amount', from: 'amount.value', as: 'dec', sign: 'leading' },
          { to: 'currency', from: 'amount.currency', as: 'text', optional: true },
          {
            to: 'inBundle',
            from: 'allowance.used',
            as: 'enum',
            values: { '': 'none', true: 'yes', false: 'no' },
            optional: true,
          },
        ],
        foreignIsRoaming: true,
      },
    ],
    codes: { mobile: { category: 'national-mobile' } },
  },
});

const usual = {
  id: 'u-1',
  version: 1,
  subscriber: '+31612345678',
  type: 'voice',
  startedAt: '2026-10-25T02:30:00+01:00',
  seconds: 61,
  to: '0687654321',
  class: 'mobile',
  plmn: '20404',
  amount: { value: '0.1250', currency: 'EUR' },
  allowance: { id: null, used: false },
  state: 'final',
  more: [{ deep: ['"]}', 1.5e-3, null, true] }],
};
const page = (items: readonly object[]) => ({
  asOf: '2026-11-20T00:00:00Z',
  data: { items, note: { items: [1] } },
  next: null,
});
const bytesOf = (value: unknown, space = 0) => Buffer.from(JSON.stringify(value, null, space));
const of = (...items: object[]) => bytesOf(page(items.map((item) => ({ ...usual, ...item }))));

function accepted(outcome: Outcome) {
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.problem.message);
  return outcome;
}

test('an item comes out field by field, amounts exact, its time without any doubt', () => {
  const { rows, file } = accepted(decodeBytes(layout(), of({})));
  const { hash: _, ...row } = rows[0]!;
  assert.deepEqual(row, {
    line: 1,
    key: 'u-1',
    original: '',
    correction: ' ',
    version: 1,
    msisdn: '31612345678',
    kind: 'voice',
    category: 'national-mobile',
    code: 'mobile',
    prefix: '3168765',
    masked: '+3168765****',
    visited: '',
    start: '2026-10-25T01:30:00.000Z',
    local: '2026-10-25 02:30:00',
    usage: [61, 0, 1],
    amountE8: 12_500_000,
    inBundle: false,
  });
  assert.deepEqual([file.records, file.amountE8], [1, 12_500_000n]);
});

test('numbers may be numbers or texts, names and spaces in any order, escapes in any string', () => {
  const plain = accepted(
    decodeBytes(layout(), of({ amount: { value: 0.125, currency: 'EUR' }, version: '1', to: 'x31' })),
  );
  assert.equal(plain.file.quarantined[0]!.code, 'bad-number');
  const number = accepted(decodeBytes(layout(), of({ amount: { value: -0.125 } })));
  assert.equal(number.rows[0]!.amountE8, -12_500_000);
  const turned = Object.fromEntries(Object.entries(usual).toReversed());
  const spaced = accepted(decodeBytes(layout(), bytesOf(page([turned]), 2)));
  assert.deepEqual(spaced.rows, accepted(decodeBytes(layout(), of({}))).rows);
  const escaped = Buffer.from(
    of({})
      .toString()
      .replace('u-1', String.raw`\u0075-\u0031é\ud83d\ude00\n`)
      .replace('"seconds"', String.raw`"\u0073econds"`),
  );
  const { rows, file } = accepted(decodeBytes(layout(), escaped));
  assert.deepEqual([rows.length, file.quarantined[0]!.code], [0, 'control-character']);
  const { rows: kept } = accepted(decodeBytes(layout(), Buffer.from(escaped.toString().replace(String.raw`\n`, '/'))));
  assert.deepEqual([kept[0]!.key, kept[0]!.usage[0]], ['u-1é😀/', 61]);
});

test('a page decodes the same in chunks of any size', () => {
  const items = Array.from({ length: 40 }, (_, index) => ({ id: `u-${index}`, note: '\u00e9"\\' }));
  const whole = accepted(decodeBytes(layout(), of(...items)));
  assert.equal(whole.rows.length, 40);
  for (const chunk of [1, 2, 5, 61, 1000]) assert.deepEqual(decodeBytes(layout(), of(...items), chunk), whole);
});

test('a page that is cut anywhere is refused', () => {
  const bytes = of({}, { id: 'u-2' });
  for (let length = 0; length < bytes.length; length += 7) {
    const outcome = decodeBytes(layout(), bytes.subarray(0, length), 100);
    assert.ok(!outcome.ok, `${length} of ${bytes.length} bytes were accepted`);
  }
  accepted(decodeBytes(layout(), Buffer.concat([bytes, Buffer.from('\n  ')])));
});

const noPages: [what: string, text: string][] = [
  ['no JSON object', '[1]'],
  ['no array at data.items', '{"data":{}}'],
  ['no array at data.items', '{"data":{"items":null}}'],
  ['no object at data', '{"data":[]}'],
  ['two arrays', '{"data":{"items":[],"items":[]}}'],
  ['something else than objects', '{"data":{"items":[1]}}'],
  ['is no JSON', '{"data":{"items":[]},}'],
  ['is no JSON', '{"data":{"items":[{"a":01}]}}'],
  ['is no JSON', '{"data":{"items":[{"a":nul}]}}'],
  ['is no JSON', '{"data":{"items":[{"a":nulls}]}}'],
  ['is no JSON', '{"data":{"items":[{"a":trap}]}}'],
  ['is no JSON', '{"data":{"items":[{"a":"\u0001"}]}}'],
  ['is no JSON', String.raw`{"data":{"items":[{"a":"\x"}]}}`],
  ['is no JSON', String.raw`{"data":{"items":[{"a":"\ud800"}]}}`],
  ['is no JSON', `{"data":{"items":[]},"deep":${'['.repeat(100)}${']'.repeat(100)}}`],
  ['goes on after', '{"data":{"items":[]}}{}'],
];
for (const [what, text] of noPages) {
  test(`refuses ${text.slice(0, 40)}: ${what}`, () => {
    const outcome = decodeBytes(layout(), Buffer.from(text), 3);
    assert.ok(!outcome.ok);
    assert.deepEqual(
      [outcome.problem.code, outcome.problem.message.includes(what)],
      ['bad-json', true],
      outcome.problem.message,
    );
  });
}

test('the highest version of an id wins wherever it stands, an equal one counts once, void cancels', () => {
  const items = [
    { id: 'a', version: 2, seconds: 20 },
    { id: 'b', version: 1, state: 'provisional' },
    { id: 'a', version: 1, seconds: 10 },
    { id: 'b', version: 3, seconds: 30 },
    { id: 'b', version: 2, seconds: 25 },
    { id: 'c', version: 1 },
    { id: 'c', version: 1 },
    { id: 'd', version: 2, state: 'void' },
    { id: 'd', version: 1 },
  ];
  const { rows, file } = accepted(decodeBytes(layout(), of(...items), 11));
  assert.deepEqual(
    rows.map(({ key, version, correction, original, usage }) => [key, version, correction, original, usage[0]]),
    [
      ['a', 2, ' ', '', 20],
      ['b', 3, ' ', '', 30],
      ['c', 1, ' ', '', 61],
      ['d', 2, 'D', 'd', 61],
    ],
  );
  assert.deepEqual([file.records, file.rows, file.duplicates], [9, 4, 5]);
});

const bad: [code: string, item: object][] = [
  ['bad-date', { startedAt: '2026-10-25T02:30:00' }],
  ['bad-date', { startedAt: '2026-02-30T02:30:00Z' }],
  ['bad-date', { startedAt: 1_790_000_000 }],
  ['impossible', { startedAt: '2027-01-01T00:00:00Z' }],
  ['bad-amount', { amount: { value: '1,25' } }],
  ['bad-amount', { amount: { value: 1e-9 } }],
  ['bad-amount', { amount: null }],
  ['not-a-value', { amount: { value: { e8: 1 } } }],
  ['wrong-currency', { amount: { value: '1', currency: 'USD' } }],
  ['bad-value', { type: 'fax' }],
  ['bad-flag', { state: 'maybe' }],
  ['bad-digits', { seconds: -5 }],
  ['bad-digits', { seconds: 1.5 }],
  ['bad-digits', { plmn: '2040' }],
  ['missing-id', { id: '' }],
  ['missing-id', { id: null }],
];
for (const [index, [code, item]] of bad.entries()) {
  test(`an item with ${code} goes to quarantine, its neighbours are imported, case ${index + 1}`, () => {
    const { rows, file } = accepted(decodeBytes(layout(), of({ id: 'a' }, { id: 'x', ...item }, { id: 'b' }), 50));
    assert.deepEqual(
      rows.map(({ key }) => key),
      ['a', 'b'],
    );
    assert.deepEqual([file.quarantined.map((problem) => problem.code), file.quarantined[0]!.line], [[code], 2]);
    assert.doesNotMatch(JSON.stringify(file.quarantined), /345678|654321/);
  });
}

test('a name twice in one item is no guess', () => {
  const bytes = Buffer.from(of({}).toString().replace('"seconds":61', '"seconds":61,"seconds":62'));
  assert.equal(accepted(decodeBytes(layout(), bytes)).file.quarantined[0]!.code, 'name-twice');
});

test('an object on every line: a line that is none is quarantined, the last one must end', () => {
  const lines = [
    { ...usual, id: 'a' },
    { ...usual, id: 'b' },
  ].map((item) => JSON.stringify(item));
  const bytes = Buffer.from(`${lines[0]}\r\n\n{"id":\nnull\n${lines[1]}\n`);
  const { rows, file } = accepted(decodeBytes(layout(null), bytes, 13));
  assert.deepEqual(
    [rows.map(({ key }) => key), file.quarantined.map(({ code }) => code)],
    [
      ['a', 'b'],
      ['bad-json', 'bad-json'],
    ],
  );
  const cut = decodeBytes(layout(null), bytes.subarray(0, -1));
  assert.ok(!cut.ok && cut.problem.code === 'truncated');
});

test('visited networks at home are no roaming, a record without type of usage keeps its own category', () => {
  const { rows } = accepted(
    decodeBytes(layout(), of({ id: 'a', plmn: '20801' }, { id: 'b', type: 'fee', class: null })),
  );
  assert.deepEqual(
    rows.map(({ visited, category, code }) => [visited, category, code]),
    [
      ['20801', 'national-mobile', 'mobile'],
      ['', 'recurring', null],
    ],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LayoutSource } from '../../../src/providers/spec/layout-spec.ts';
import { decodeBytes, type Outcome } from './pass-in-test.ts';

const layout = (changes: Partial<LayoutSource['files']> = {}): LayoutSource => ({
  files: {
    name: '^usage',
    nameShown: 'usage.dat',
    encoding: 'utf-8',
    framing: { kind: 'csv', delimiter: ';' },
    trailer: {
      when: 'TOTAL',
      fields: [
        { to: 'records', from: 'number', as: 'digits' },
        { to: 'sum', from: 'charge', as: 'decComma' },
      ],
    },
    logicalKey: ['period'],
    lineErrors: { share: 1, below: 50 },
    ...changes,
  },
  records: {
    types: [
      {
        name: 'usage',
        fields: [
          { to: 'id', from: 'ref', as: 'text' },
          { to: 'kind', from: 'type', as: 'enum', values: { V: 'voice', S: 'sms', D: 'data' } },
          { to: 'msisdn', from: 'number', as: 'msisdn' },
          { to: 'dialled', from: 'called', as: 'dialled', optional: true },
          { to: 'startDate', from: 'date', as: 'local', format: 'dd-mm-yyyy' },
          { to: 'startTime', from: 'time', as: 'local', format: 'hh:mi:ss' },
          { to: 'seconds', from: 'duration', as: 'duration', format: 'hh:mm:ss', optional: true },
          { to: 'octets', from: 'volume', as: 'decComma', unit: 1024, optional: true },
          { to: 'code', from: 'class', as: 'text' },
          { to: 'amount', from: 'charge', as: 'decComma', sign: 'leading' },
          { to: 'text', from: 'description', as: 'text', optional: true },
        ],
      },
    ],
    codes: { mobiel: { category: 'national-mobile' }, café: { category: 'premium' } },
    plausible: [{ kind: 'voice', per: 60, atMostE8: 500_000_000 }],
  },
});

const columns = [
  'ref',
  'type',
  'number',
  'called',
  'date',
  'time',
  'duration',
  'volume',
  'class',
  'charge',
  'description',
];
const usual: Readonly<Record<string, string>> = {
  ref: 'r1',
  type: 'V',
  number: '0612345678',
  called: '0687654321',
  date: '10-03-2026',
  time: '12:00:00',
  duration: '00:02:05',
  volume: '',
  class: 'mobiel',
  charge: '0,1250',
  description: 'Bellen',
};
/** What is no string in `changes` is written as it stands, without quotes. */
const cell = (text: string) => (/[";\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const row = (changes: Record<string, string> = {}, order = columns) =>
  order.map((name) => cell({ ...usual, ...changes }[name] ?? '')).join(';');
const file = (rows: readonly string[], trailer: string | null = null, header = columns.join(';')) =>
  Buffer.from([header, ...rows, ...(trailer === null ? [] : [trailer]), ''].join('\n'));
const total = (count: number, sum: string) => row({ ref: 'TOTAL', number: String(count), charge: sum });
const untrailed = () => layout({ trailer: undefined });

function accepted(outcome: Outcome) {
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.problem.message);
  return outcome;
}
function refusal(outcome: Outcome): string {
  assert.ok(!outcome.ok, 'the file was accepted');
  return outcome.problem.code;
}

test('a row of CSV comes out field by field', () => {
  const { rows, file: decoded } = accepted(decodeBytes(layout(), file([row({ ref: 'a-17' })], total(1, '0,1250'))));
  const { hash: _, ...first } = rows[0]!;
  assert.deepEqual(first, {
    line: 2,
    key: 'a-17',
    original: '',
    correction: ' ',
    version: 0,
    msisdn: '31612345678',
    kind: 'voice',
    category: 'national-mobile',
    code: 'mobiel',
    prefix: '3168765',
    masked: '+3168765****',
    visited: '',
    start: '2026-03-10T11:00:00.000Z',
    local: '2026-03-10 12:00:00',
    usage: [125, 0, 1],
    amountE8: 12_500_000,
    inBundle: null,
  });
  assert.deepEqual([decoded.records, decoded.lines, decoded.amountE8], [1, 3, 12_500_000n]);
});

test('columns are found by name in any order, new ones are told and not read, quotes may surround anything', () => {
  const order = [...columns.toReversed(), 'colour'];
  const rows = [
    row({ ref: 'a' }, order),
    order.map((name) => `"${{ ...usual, ref: 'b', colour: 'red' }[name]}"`).join(';'),
  ];
  const outcome = accepted(decodeBytes(untrailed(), file(rows, null, order.join(';'))));
  assert.deepEqual(outcome.file.notices, ['column colour is new and was not read']);
  const [a, b] = outcome.rows;
  assert.deepEqual({ ...a, line: 0, key: '' }, { ...b, line: 0, key: '', hash: a!.hash });
  const plain = accepted(decodeBytes(untrailed(), file([row({ ref: 'a' })])));
  assert.equal(plain.rows[0]!.hash, a!.hash, 'the same content, whatever stands around it');
});

test('a missing or renamed column that is needed refuses the file, an optional one does not', () => {
  const renamed = columns.map((name) => (name === 'charge' ? 'Charge' : name)).join(';');
  assert.equal(refusal(decodeBytes(untrailed(), file([row()], null, renamed))), 'missing-column');
  const order = columns.filter((name) => name !== 'description');
  const outcome = accepted(decodeBytes(untrailed(), file([row({}, order)], null, order.join(';'))));
  assert.deepEqual(outcome.file.notices, ['column description is missing; it is not needed']);
  assert.equal(refusal(decodeBytes(untrailed(), file([], null, `${columns.join(';')};ref`))), 'column-twice');
});

test('quoted line ends, doubled quotes, CRLF and LF mixed, empty lines and a byte order mark, in any chunks', () => {
  const rows = [
    row({ ref: 'a', description: 'two\r\nlines; "and" quotes' }),
    `${row({ ref: 'b' })}\r`,
    '',
    row({ ref: 'c "x"', description: 'één\n\n' }),
    row({ ref: 'd' }),
  ];
  const bytes = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), file(rows, total(4, '0,5000'))]);
  const whole = accepted(decodeBytes(layout(), bytes));
  assert.deepEqual(
    whole.rows.map(({ line, key }) => [line, key]),
    [
      [2, 'a'],
      [4, 'b'],
      [6, 'c "x"'],
      [9, 'd'],
    ],
  );
  for (const chunk of [1, 2, 3, 7, 64, 1000])
    assert.deepEqual(decodeBytes(layout(), bytes, chunk), whole, `chunks of ${chunk}`);
});

const bad: [code: string, bytes: string][] = [
  ['control-character', row({ ref: 'n\0l' })],
  ['bad-column-count', `${row()};more`],
  ['bad-column-count', 'a;b'],
  ['bad-quotes', row().replace('Bellen', 'Bel"len')],
  ['bad-quotes', row().replace('Bellen', '"Bel"len')],
  ['bad-value', row({ type: 'X' })],
  ['bad-digits', row({ duration: '2:5' })],
  ['bad-amount', row({ charge: '0.1250' })],
  ['bad-amount', row({ charge: '1.23,00' })],
  ['bad-amount', row({ charge: '0,000000001' })],
  ['bad-amount', row({ charge: '' })],
  ['implausible', row({ charge: '125.000,00' })],
  ['bad-date', row({ date: '2026-03-10' })],
  ['bad-date', row({ date: '31-04-2026' })],
  ['bad-date', row({ time: '24:00:00' })],
  ['impossible', row({ date: '10-03-2027' })],
  ['bad-number', row({ number: '06-12345678' })],
  ['bad-number', row({ called: '0687654x21' })],
  ['missing-id', row({ ref: '' })],
];
for (const [index, [code, line]] of bad.entries()) {
  test(`a row with ${code} goes to quarantine with line and byte, its neighbours are imported, case ${index + 1}`, () => {
    const bytes = file([row({ ref: 'a' }), line, row({ ref: 'b' })]);
    const { rows, file: decoded } = accepted(decodeBytes(untrailed(), bytes, 50));
    assert.deepEqual(
      rows.map(({ key }) => key),
      ['a', 'b'],
    );
    const [problem, ...more] = decoded.quarantined;
    assert.deepEqual([problem!.code, problem!.line, more.length], [code, 3, 0]);
    assert.equal(problem!.offset, bytes.indexOf(10, bytes.indexOf(10) + 1) + 1);
    assert.doesNotMatch(JSON.stringify(problem), /345678|654321/);
  });
}

test('an invalid byte is a line error in the encoding that is declared, and so is text encoded twice', () => {
  const read = (encoding: 'utf-8' | 'iso-8859-1' | 'windows-1252', description: Buffer) => {
    const [head, tail] = row({ description: '@' }).split('@') as [string, string];
    const bytes = Buffer.concat([file([row({ ref: 'a' })]), Buffer.from(head), description, Buffer.from(`${tail}\n`)]);
    return accepted(decodeBytes(layout({ encoding, trailer: undefined }), bytes)).file.quarantined.map(
      ({ code }) => code,
    );
  };
  assert.deepEqual(read('utf-8', Buffer.from('Curaçao €')), []);
  assert.deepEqual(read('utf-8', Buffer.from('Curaçao', 'latin1')), ['not-utf-8']);
  assert.deepEqual(read('utf-8', Buffer.from('CuraÃ§ao')), ['not-utf-8']);
  assert.deepEqual(read('iso-8859-1', Buffer.from('Curaçao', 'latin1')), []);
  assert.deepEqual(read('iso-8859-1', Buffer.from('Curaçao')), ['not-latin-1']);
  assert.deepEqual(read('iso-8859-1', Buffer.from([0x80])), ['not-latin-1']);
  assert.deepEqual(read('windows-1252', Buffer.from([0x80])), []);
  assert.deepEqual(read('windows-1252', Buffer.from([0x81])), ['not-windows-1252']);
});

test('codes are compared in the encoding of the file', () => {
  const bytes = (encoding: 'utf8' | 'latin1') => Buffer.from(file([row({ class: 'café' })]).toString('utf8'), encoding);
  for (const [encoding, declared] of [
    ['utf8', 'utf-8'],
    ['latin1', 'iso-8859-1'],
    ['latin1', 'windows-1252'],
  ] as const) {
    const { rows } = accepted(decodeBytes(layout({ encoding: declared, trailer: undefined }), bytes(encoding)));
    assert.equal(rows[0]!.category, 'premium', declared);
  }
});

test('an unknown class is imported as unknown and told', () => {
  const { rows, file: decoded } = accepted(decodeBytes(untrailed(), file([row({ class: 'new\\thing' })])));
  assert.deepEqual([rows[0]!.category, decoded.unknownCallCodes], ['unknown', ['new\\thing']]);
});

test('a cut file, a wrong trailer, or more after it refuses the file', () => {
  const rows = [row({ ref: 'a' }), row({ ref: 'b' })];
  assert.equal(refusal(decodeBytes(layout(), file(rows))), 'missing-trailer');
  assert.equal(refusal(decodeBytes(layout(), file(rows, total(3, '0,2500')))), 'trailer-count');
  assert.equal(refusal(decodeBytes(layout(), file(rows, total(2, '0,2501')))), 'trailer-sum');
  assert.equal(refusal(decodeBytes(layout(), file([...rows, total(2, '0,2500')], row({ ref: 'c' })))), 'after-trailer');
  assert.equal(refusal(decodeBytes(untrailed(), file(rows).subarray(0, -1))), 'truncated');
  assert.equal(refusal(decodeBytes(untrailed(), Buffer.alloc(0))), 'empty-file');
  const expected = { records: 3, amountE8: 25_000_000n };
  assert.equal(refusal(decodeBytes(untrailed(), file(rows), 100, { expected })), 'manifest-count');
  assert.equal(refusal(decodeBytes(untrailed(), file(rows), 100, { expected: { amountE8: 1n } })), 'manifest-sum');
});

test('a quote that is never closed costs its own line only', () => {
  const rows = [row({ ref: 'a' }), row().replace('Bellen', '"Bellen'), row({ ref: 'b' }), row({ ref: 'c' })];
  const { rows: kept, file: decoded } = accepted(decodeBytes(untrailed(), file(rows), 10));
  assert.deepEqual([kept.map(({ key }) => key), decoded.quarantined.length], [['a', 'b', 'c'], 1]);
});

test('records without an id have a key from their content, the second equal one another', () => {
  const source = untrailed();
  const [type] = source.records.types;
  const noId = { ...source, records: { ...source.records, types: [{ ...type!, fields: type!.fields.slice(1) }] } };
  const rows = [row(), row({ time: '12:00:01' }), row()];
  const first = accepted(decodeBytes(noId, file(rows)));
  const again = accepted(decodeBytes(noId, file([rows[0]!, rows[2]!, rows[1]!, row()])));
  const keys = first.rows.map(({ key }) => key);
  assert.equal(new Set(keys).size, 3);
  assert.deepEqual(new Set(again.rows.slice(0, 3).map(({ key }) => key)), new Set(keys));
  assert.ok(!keys.includes(again.rows[3]!.key));
});

test('the account in a record must be the contract’s, else the whole file is refused', () => {
  const source = untrailed();
  const [type] = source.records.types;
  const field = { to: 'account', from: 'description', as: 'text' } as const;
  const types = [{ ...type!, fields: [...type!.fields.slice(0, -1), field] }];
  const spec = { ...source, records: { ...source.records, types } };
  accepted(decodeBytes(spec, file([row({ description: '4711' })])));
  const outcome = decodeBytes(spec, file([row({ description: '4711' }), row({ ref: 'b', description: '815' })]));
  assert.equal(refusal(outcome), 'wrong-account');
  assert.doesNotMatch(JSON.stringify(outcome), /815/);
});

test('a record whose provider says no code has the category of the number that it went to, when it was made at home', () => {
  const source = layout({ trailer: undefined });
  const [type] = source.records.types;
  const fields = [
    ...type!.fields.filter(({ to }) => to !== 'code'),
    { to: 'visited', from: 'class', as: 'digits', optional: true },
  ] as NonNullable<typeof type>['fields'];
  const uncoded = { ...source, records: { ...source.records, types: [{ ...type!, fields, foreignIsRoaming: true }] } };
  const changes: readonly Record<string, string>[] = [
    { called: '0687654321' },
    { called: '0201234567' },
    { called: '112' },
    { called: '09001234' },
    { called: '004915123450000' },
    { called: '0676123456' },
    { called: '' },
    { called: '0687654321', class: '20801' },
    { called: '0687654321', type: 'S' },
    { called: '1888', type: 'S' },
    { called: '', type: 'D' },
  ];
  const rows = changes.map((change, i) => row({ ref: `r${i}`, class: '', ...change }));
  const { rows: decoded, file: found } = accepted(decodeBytes(uncoded, file(rows)));
  assert.deepEqual(
    decoded.map(({ category }) => category),
    [
      'national-mobile',
      'national-fixed',
      'freephone',
      'premium',
      'international',
      'unknown',
      'unknown',
      'unknown',
      'sms',
      'sms-premium',
      'data-national',
    ],
  );
  assert.deepEqual(found.unknownCallCodes, []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CsvError, csvRows } from '../../src/csv/read.ts';
import { csvCell, csvText } from '../../src/csv/write.ts';

test('cells that a spreadsheet would take for a formula get an apostrophe, plain numbers do not', () => {
  const cells = [
    '=1+1',
    '+31612345678',
    '-2+3',
    '@sum',
    '\tx',
    '=HYPERLINK("x";"y")',
    '-12,50',
    '-3',
    '12.5',
    'a-b',
    '',
  ];
  assert.deepEqual(cells.map(csvCell), [
    "'=1+1",
    "'+31612345678",
    "'-2+3",
    "'@sum",
    "'\tx",
    `"'=HYPERLINK(""x"";""y"")"`,
    '-12,50',
    '-3',
    '12.5',
    'a-b',
    '',
  ]);
});

test('what is written is read again, whatever stands in it', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ';', '\n', '\r\n', ',', 'é', ' ') });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell)), (rows) => {
      const columns = [
        { head: 'one', of: (row: [string, string]) => row[0] },
        { head: 'two', of: (row: [string, string]) => row[1] },
      ];
      const read = csvRows(csvText(columns, rows)).map(({ cells }) => cells);
      // a cell that begins with a carriage return is one of those that get an apostrophe
      const written = rows.map((row) => row.map((text) => (text.startsWith('\r') ? `'${text}` : text)));
      assert.deepEqual(read, [['one', 'two'], ...written]);
    }),
  );
});

test('rows are counted by the line on which they begin, and empty lines are passed over', () => {
  assert.deepEqual(csvRows('\uFEFFa;b\r\n"x\ny";1\n\nlast;'), [
    { line: 1, cells: ['a', 'b'] },
    { line: 2, cells: ['x\ny', '1'] },
    { line: 5, cells: ['last', ''] },
  ]);
  assert.deepEqual(csvRows(''), []);
});

test('what is no CSV is refused with its line', () => {
  for (const [text, message] of [
    ['a;b\nx"y;1', /^line 2: a quote stands inside/],
    ['a;b\n"x;1', /^line 2: a quoted cell begins here and never ends/],
    ['a;"b"c', /^line 1: "c" stands where a cell has ended/],
    ['a\rb', /^line 1: a carriage return without a line feed/],
  ] as const) {
    assert.throws(
      () => csvRows(text),
      (error: Error) => error instanceof CsvError && message.test(error.message),
      text,
    );
  }
});

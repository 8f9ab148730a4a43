import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CsvError, csvRows } from '../../src/reconciliation/csv-rows.ts';

test('whatever stands in a quoted cell is read as it is', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ';', '\n', '\r\n', ',', 'é', ' ') });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell)), (rows) => {
      const text = rows.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(';')).join('\r\n');
      assert.deepEqual(
        csvRows(text).map(({ cells }) => cells),
        rows,
      );
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

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvLine, csvNumber, csvText } from '../../src/reports/csv-cell.ts';

test('text that a spreadsheet would run is made text, wherever the sign hides', () => {
  const dangerous = ['=1+1', '+31612345678', '-2+3', '@SUM(A1)', ' =1', '\u00a0=1', '\uFF1D1+1', '\uFF20A1'];
  for (const text of dangerous) assert.ok(/^"?'/.test(csvText(text)), JSON.stringify(text));
  for (const text of ['\t=1', '\r=1', '\nx', '=a,b', '=HYPERLINK("http://x")']) {
    assert.ok(csvText(text).startsWith(`"'`), JSON.stringify(text));
  }
  assert.equal(csvText('=HYPERLINK("a";"b")'), `"'=HYPERLINK(""a"";""b"")"`);
});

test('harmless text stands as it is; commas, quotes and line ends are quoted', () => {
  for (const text of ['sales', '31612345678', 'a-b', 'Bakkerij Jansen & Zn.', 'café', "'s-Hertogenbosch"]) {
    assert.equal(csvText(text), text);
  }
  assert.equal(csvText('a,b'), '"a,b"');
  assert.equal(csvText('say "no"'), '"say ""no"""');
  assert.equal(csvText('two\r\nlines'), '"two\r\nlines"');
  assert.equal(csvText(null), '');
  assert.equal(csvText('a\0b'), 'ab');
});

test('a number keeps its sign, and nothing else passes for one', () => {
  assert.equal(csvNumber('-0.1250'), '-0.1250');
  assert.equal(csvNumber(12345678901234567890n), '12345678901234567890');
  assert.equal(csvNumber(null), '');
  for (const text of ['=1', '+1', '1e5', '-', '1,5', ' 1', '-1+2', '', 'NaN']) assert.throws(() => csvNumber(text));
});

test('a line is its cells and CRLF', () => {
  assert.equal(csvLine([csvText('=a'), csvNumber(2), csvText(null)]), "'=a,2,\r\n");
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { decode } from '../decode-in-test.ts';
import { calls, fileBytes, gzipped, type LineParts, line } from '../sp16-bytes.ts';

/** One bad line among 1,000: the share of errors that is still allowed. */
async function quarantined(bad: string) {
  const { result, rows, spool } = await decode(gzipped([...calls(999), bad]));
  assert.ok(result.ok, result.ok ? '' : result.problem.message);
  assert.deepEqual([result.records, result.rows, rows.length], [1000, 999, 999]);
  assert.equal(result.quarantined.length, 1);
  assert.ok(!spool.includes('\n1001\t'));
  return result.quarantined[0]!;
}

const cases: [code: string, field: string | null, parts: LineParts, value: string | null][] = [
  ['impossible', 'start', { start: '20261121130001' }, '20261121130001'],
  ['impossible', 'start', { start: '19991231235959' }, '19991231235959'],
  ['bad-date', 'start', { start: '20260229120000' }, '20260229120000'],
  ['bad-date', 'start', { start: '20260310240000' }, '20260310240000'],
  ['bad-flag', 'dst', { dst: 'X' }, 'X'],
  ['bad-digits', 'usage', { usage: '-1' }, '000000-1'],
  ['impossible', 'usage', { usage: '99999999' }, '99999999'],
  ['impossible', 'usage', { usage: '00086401' }, '00086401'],
  ['bad-digits', 'callCode', { code: '11O0' }, '11O0'],
  ['bad-digits', 'visited', { visited: '2080' }, '2080  '],
  ['missing-visited', 'visited', { code: '3000' }, '      '],
  ['bad-amount', 'amount', { amount: '0000000125,0' }, '0000000125,0'],
  ['bad-flag', 'vat', { vat: '=1' }, '=1'],
  ['bad-flag', 'bundle', { bundle: 'Y' }, 'Y'],
  ['bad-flag', 'correction', { correction: 'X' }, 'X'],
  ['missing-original', 'originalId', { correction: 'C' }, '            '],
  ['missing-original', 'originalId', { correction: 'D' }, '            '],
  ['bad-number', 'msisdn', { msisdn: '3161234x678' }, '3161234****'],
  ['bad-number', 'dialled', { dialled: '06-12345678' }, '06-1234****'],
  ['unknown-record-type', 'type', { type: '60' }, '60'],
  ['missing-id', 'id', { id: '            ' }, '            '],
  ['bad-digits', 'octets', { type: '30', octets: '12KB' }, '0000000000012KB'.slice(-15)],
  ['bad-date', 'chargeTo', { type: '40', start: '2026030120260228' }, '20260228'],
  ['impossible', 'chargeFrom', { type: '40', start: '2028030120280331' }, '20280301'],
  ['not-latin-1', 'text', { text: 'CuraÃ§ao' }, 'CuraÃ§ao'],
  ['control-character', null, { text: 'nul \0 byte' }, null],
];

for (const [index, [code, field, parts, value]] of cases.entries()) {
  test(`a line with ${code} (${field}) goes to quarantine, the rest is imported, case ${index + 1}`, async () => {
    const problem = await quarantined(line({ id: '5000', ...parts }));
    assert.deepEqual([problem.code, problem.field, problem.value, problem.line], [code, field, value, 1001]);
    assert.match(problem.message, /^SP16X_0000000101_202603_000001\.dat\.gz, line 1001, /);
    assert.doesNotMatch(JSON.stringify(problem), /12345678|87654321/);
    assert.match(problem.rawMasked, /\S{2} *0*5000|\s{12}/);
  });
}

const term = {
  contractFromMs: Date.parse('2026-03-10T00:00:00+01:00'),
  contractToMs: Date.parse('2026-03-11T00:00:00+01:00'),
};
const aroundTheContract: [what: string, parts: LineParts, code: string | null][] = [
  ['a call in the second before its first day', { start: '20260309235959' }, 'before-contract'],
  ['a call in its first second', { start: '20260310000000' }, null],
  ['a call in its last second', { start: '20260310235959' }, null],
  ['a message in the second after its last day', { type: '20', start: '20260311000000' }, 'after-contract'],
  ['a monthly fee from the day before', { type: '40', start: '2026030920260331' }, 'before-contract'],
  ['a credit of the day before', { type: '50', start: '2026030920260309', amount: '00000001250-' }, null],
  ['what is charged once after it', { type: '50', start: '2026040120260401' }, null],
];

for (const [what, parts, code] of aroundTheContract) {
  test(`F12 ${what} ${code === null ? "is the contract's" : 'is impossible and goes to quarantine'}`, async () => {
    const { result } = await decode(gzipped([...calls(999), line({ id: '5000', ...parts })]), term);
    assert.ok(result.ok, result.ok ? '' : result.problem.message);
    assert.deepEqual(
      result.quarantined.map((problem) => problem.code),
      code === null ? [] : [code],
    );
  });
}

test('lines of another length or line end are quarantined without losing step', async () => {
  for (const bad of [line().slice(0, 150), `${line()} `, `${line().slice(0, 90)}\n${line().slice(91, 199)}`]) {
    const bytes = fileBytes([...calls(1999), line({ id: 'BADLINE' }), ...calls(1, 7000)]).toString('latin1');
    const at = bytes.indexOf('BADLINE') - 7;
    const before = Buffer.from(bytes.slice(0, at) + bad + bytes.slice(at + 200, -202), 'latin1');
    const lines = before.toString('latin1').split('\n').length - 2;
    const { result } = await decode(Buffer.concat([before, trailerFor(before, lines)]));
    assert.ok(result.ok, result.ok ? '' : result.problem.message);
    assert.equal(result.rows, 2000);
    for (const problem of result.quarantined) assert.equal(problem.code, 'bad-line-length');
    assert.doesNotMatch(JSON.stringify(result.quarantined), /\d{4}5678|\d{4}4321/);
  }
});

test('49 bad lines of 49,000 are quarantined, the 50th refuses the file', async () => {
  const bad = (count: number) => Array.from({ length: count }, (_, i) => line({ id: `9${i}`, amount: 'x' }));
  const kept = await decode(fileBytes([...calls(48_951), ...bad(49)]));
  assert.ok(kept.result.ok);
  assert.equal(kept.result.quarantined.length, 49);
  const refused = await decode(fileBytes([...calls(10), ...bad(50), ...calls(10, 100)]));
  assert.ok(!refused.result.ok);
  assert.equal(refused.result.problem.code, 'too-many-line-errors');
  assert.match(refused.result.problem.message, /50 bad lines in the first 61 lines .* first: .*line 12, amount/);
  assert.equal(refused.spoolExists, false);
});

test('more than one bad line in a thousand refuses the file', async () => {
  const { result } = await decode(gzipped([...calls(998), line({ id: '5000', dst: 'X' })]));
  assert.ok(!result.ok);
  assert.deepEqual([result.problem.code, result.problem.line], ['too-many-line-errors', 1000]);
});

test('a quarantined line still counts in the sum of the trailer when its amount can be read', async () => {
  const lines = [...calls(999), line({ id: '5000', dst: 'X', amount: '00000000777+' })];
  assert.ok((await decode(gzipped(lines))).result.ok);
  const wrong = await decode(gzipped(lines, { trailer: { sum: '000000001248750+' } }));
  assert.ok(!wrong.result.ok);
  assert.equal(wrong.result.problem.code, 'trailer-sum');
});

function trailerFor(before: Buffer, records: number): Buffer {
  const sum = '0'.repeat(15);
  const crc = crc32(before).toString(16).padStart(8, '0');
  return Buffer.from(`${`99${String(records).padStart(8, '0')}${sum}+${crc}`.padEnd(200)}\r\n`, 'latin1');
}

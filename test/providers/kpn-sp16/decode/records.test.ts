import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { decode } from '../decode-in-test.ts';
import { calls, fileBytes, gzipped, type LineParts, line } from '../sp16-bytes.ts';

async function rowOf(parts: LineParts, cycleDay = 1) {
  const { result, rows } = await decode(gzipped([line(parts)]), { cycleDay });
  assert.ok(result.ok, result.ok ? '' : result.problem.message);
  return rows[0]!;
}

const hex = (id: string) => `\\\\x${Buffer.from(id.padStart(12, '0')).toString('hex')}`;

test('a voice call comes out field by field', async () => {
  const row = await rowOf({ id: '42', usage: '125', bundle: 'J' });
  const { content_hash: hash, b_hash: bHash, ...rest } = row;
  assert.match(hash, /^-?\d{1,19}$/);
  const hmac = createHmac('sha256', 'key of this customer').update('31687654321').digest('hex');
  assert.equal(bHash, `\\\\x${hmac}`);
  assert.deepEqual(rest, {
    line_no: '2',
    record_key: hex('42'),
    original_key: '\\N',
    correction: ' ',
    cycle_start: '2026-03-01',
    msisdn: '31612345678',
    kind: 'voice',
    call_code: '1100',
    category: 'national-mobile',
    b_prefix: '3168765',
    b_masked: '+3168765****',
    visited: '\\N',
    started_at: '2026-03-10 12:00:00+01:00',
    local_start: '2026-03-10 12:00:00',
    ambiguous: 'f',
    shifted: 'f',
    usage_s: '125',
    usage_octets: '0',
    usage_count: '1',
    provider_amount_e8: '12500000',
    vat_code: '21',
    in_bundle: 't',
    provider_version: '0',
  });
});

test('messages count, data has octets and seconds, charges start at local midnight', async () => {
  const sms = await rowOf({ type: '20', usage: '3', vat: '  ', bundle: ' ' });
  assert.deepEqual(
    [sms.kind, sms.usage_s, sms.usage_count, sms.vat_code, sms.in_bundle],
    ['sms', '0', '3', '\\N', '\\N'],
  );
  const data = await rowOf({ type: '30', usage: '90', octets: '987654321012345' });
  assert.deepEqual(
    [data.kind, data.usage_s, data.usage_octets, data.usage_count, data.b_prefix, data.category],
    ['data', '90', '987654321012345', '1', '\\N', 'data-national'],
  );
  const fee = await rowOf({ type: '40', start: '2026040120260430', amount: '00000250000+' });
  assert.deepEqual(
    [fee.kind, fee.category, fee.call_code, fee.started_at, fee.usage_count, fee.provider_amount_e8],
    ['recurring', 'recurring', '\\N', '2026-04-01 00:00:00+02:00', '1', '2500000000'],
  );
  const credit = await rowOf({ type: '50', amount: '99999999999-' });
  assert.deepEqual([credit.kind, credit.provider_amount_e8], ['credit', '-999999999990000']);
  assert.equal((await rowOf({ type: '50' })).kind, 'oneoff');
});

test('roaming keeps the visited network, at home it is left out', async () => {
  assert.equal((await rowOf({ code: '3000', visited: '20801' })).visited, '20801');
  assert.equal((await rowOf({ code: '1100', visited: '20404' })).visited, '\\N');
  assert.equal((await rowOf({ type: '20', visited: '310410' })).visited, '310410');
  assert.equal((await rowOf({ type: '20', visited: '20404' })).visited, '\\N');
  assert.equal((await rowOf({ type: '30', code: '6200', visited: '310410' })).visited, '310410');
});

test('an unknown call code is imported as unknown and told', async () => {
  const { result, rows } = await decode(gzipped([line({ id: '1', code: '9999' }), line({ id: '2', code: '1101' })]));
  assert.ok(result.ok);
  assert.deepEqual(
    rows.map((row) => row.category),
    ['unknown', 'unknown'],
  );
  assert.deepEqual(result.unknownCallCodes, ['1101', '9999']);
});

test('corrections name the record they concern', async () => {
  const lines = [
    line({ id: '7', correction: 'C', original: '000000000003' }),
    line({ id: '8', correction: 'D', original: 'ABC' }),
  ];
  const { rows } = await decode(gzipped(lines));
  assert.deepEqual(
    rows.map((row) => [row.record_key, row.original_key, row.correction]),
    [
      [hex('7'), hex('3'), 'C'],
      [hex('8'), `\\\\x${Buffer.from('ABC         ').toString('hex')}`, 'D'],
    ],
  );
});

test('records fall into the cycle of their local start', async () => {
  const at = async (start: string, cycleDay: number) => (await rowOf({ start }, cycleDay)).cycle_start;
  assert.equal(await at('20260315235959', 16), '2026-02-16');
  assert.equal(await at('20260316000000', 16), '2026-03-16');
  assert.equal(await at('20260115120000', 16), '2025-12-16');
  assert.equal(await at('20260227235959', 31), '2026-01-31');
  assert.equal(await at('20260228000000', 31), '2026-02-28');
  assert.equal(await at('20240229000000', 30), '2024-02-29');
  const { result } = await decode(gzipped([line({ id: '1' }), line({ id: '2', start: '20260228120000' })]));
  assert.ok(result.ok);
  assert.deepEqual(result.cycles, ['2026-02-01', '2026-03-01']);
});

test('equal duplicates count once, of differing ones the last in the file wins', async () => {
  const lines = [
    line({ id: '1' }),
    line({ id: '2', usage: '10' }),
    line({ id: '1' }),
    line({ id: '2', usage: '20' }),
    line({ id: '3' }),
    line({ id: '2', usage: '30' }),
    line({ id: '2', usage: '10' }),
  ];
  const { result, rows } = await decode(gzipped(lines));
  assert.ok(result.ok);
  assert.deepEqual([result.records, result.rows, result.duplicates], [7, 3, 4]);
  assert.deepEqual(
    rows.map((row) => [row.line_no, row.record_key, row.usage_s]),
    [
      ['2', hex('1'), '60'],
      ['6', hex('3'), '60'],
      ['8', hex('2'), '10'],
    ],
  );
});

test('content hashes differ for every changed byte and agree for equal lines', async () => {
  const lines = calls(2000);
  const first = await decode(gzipped(lines));
  const again = await decode(gzipped(lines.toReversed()));
  const hashes = new Set(first.rows.map((row) => row.content_hash));
  assert.equal(hashes.size, 2000);
  assert.deepEqual(new Set(again.rows.map((row) => row.content_hash)), hashes);
  assert.ok(
    first.rows.some((row) => row.content_hash.startsWith('-')),
    'signed 64-bit integers',
  );
});

test('the sum is exact where 2^53 is not enough, and with more credit than charge', async () => {
  const large = Array.from({ length: 50 }, (_, index) => line({ id: String(index), amount: '99999999999+' }));
  assert.ok((await decode(gzipped(large))).result.ok);
  assert.ok((await decode(gzipped([line({ type: '50', amount: '99999999999-' }), line({ id: '2' })]))).result.ok);
});

test('Latin-1 text passes, a byte order mark is taken off, chunks of a plain file may cut lines anywhere', async () => {
  const latin = await decode(gzipped([line({ text: 'Curaçao, Réunion, Österreich Ã' })]));
  assert.ok(latin.result.ok);
  const marked = await decode(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), fileBytes(calls(3))]));
  assert.ok(marked.result.ok);
  const long = await decode(fileBytes(calls(3000)));
  assert.ok(long.result.ok);
  assert.equal(long.rows.length, 3000);
});

test('no dialled number is whole in the spool or the result', async () => {
  const dialled = ['0612349999', '0031612349999', '+31612349999', '31612349999', '00491701234999', '08001234'];
  const secret = ['112', '113', '116123', '08000113'];
  const lines = [...dialled, ...secret, '1888', ''].map((number, index) =>
    line({ id: String(index), dialled: number, text: '', msisdn: '31622222222' }),
  );
  const { rows, spool, result } = await decode(gzipped(lines), { numberMask: 4 });
  assert.ok(result.ok);
  assert.deepEqual(
    rows.map((row) => [row.b_prefix, row.b_masked, row.b_hash === '\\N']),
    [
      ...new Array(4).fill(['3161234', '+3161234****', false]),
      ['49170123', '+49170123****', false],
      ['31800', '+31800****', false],
      ['\\N', '\\N', true],
      ['\\N', '\\N', true],
      ['\\N', '\\N', true],
      ['31800', '\\N', true],
      ['1888', '1888', false],
      ['\\N', '\\N', true],
    ],
  );
  const withoutHashes = spool.replace(/\\\\x[0-9a-f]+/g, '').replace(/\t-?\d{15,}\t/g, '\t\t');
  for (const digits of ['12349999', '1701234999', '8001234', '116123', '0113']) {
    assert.ok(!withoutHashes.includes(digits), `${digits} is in the spool`);
    assert.ok(!inspect(result, { depth: null }).includes(digits), `${digits} is in the result`);
  }
  assert.equal(
    new Set(rows.slice(0, 4).map((row) => row.b_hash)).size,
    1,
    'one number, one hash, however it was dialled',
  );
});

test('what a thread learnt of numbers for one customer is not taken for those of another', async () => {
  const bytes = gzipped([line({ dialled: '0687654321' })]);
  const first = { hashKey: Buffer.from('key of the first'), numberMask: 4 };
  const others = [
    { hashKey: Buffer.from('key of the second'), numberMask: 4 },
    { hashKey: Buffer.from('key of the first'), numberMask: 6 },
  ];
  const seen = async (customer: typeof first) => {
    const { rows } = await decode(bytes, customer);
    return { hash: rows[0]!.b_hash, prefix: rows[0]!.b_prefix, masked: rows[0]!.b_masked };
  };
  const expected = await seen(first);
  assert.deepEqual(await seen(first), expected);
  assert.notEqual((await seen(others[0]!)).hash, expected.hash);
  assert.deepEqual(await seen(others[1]!), { hash: expected.hash, prefix: '31687', masked: '+31687******' });
  assert.deepEqual(await seen(first), expected);
});

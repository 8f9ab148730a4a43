import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { DecodeArgs } from '../../../../src/compute/tasks/messages.ts';
import { decodeFile } from '../../../../src/providers/decode/decode-file.ts';
import { kpnSp16Layout } from '../../../../src/providers/kpn-sp16/spec.ts';
import { type UnpackLimits, usualUnpackLimits } from '../../../../src/providers/spec/files.ts';
import { decode, noControl } from '../decode-in-test.ts';
import { account, calls, type FileParts, fileBytes, fileNameOf, gzipped, line } from '../sp16-bytes.ts';

async function refusal(bytes: Uint8Array, changes: Partial<DecodeArgs> = {}) {
  const { result, spoolExists } = await decode(bytes, changes);
  assert.ok(!result.ok, 'the file was accepted');
  assert.equal(spoolExists, false, 'a spool was left behind');
  return result.problem;
}

const good = calls(3);
const text = fileBytes(good).toString('latin1');
const cases: [code: string, field: string | null, file: Uint8Array | FileParts, message: RegExp][] = [
  ['trailer-count', 'records', { trailer: { records: '00000004' } }, /line 5, records \(3-10\): "4" but .* 3 records/],
  [
    'trailer-sum',
    'sum',
    { trailer: { sum: '000000000003751+' } },
    /line 5, sum .* "3751" but the amounts add up to 3750/,
  ],
  ['trailer-crc', 'crc', { trailer: { crc: 'deadbeef' } }, /line 5, crc .* "deadbeef" but the bytes before it have/],
  ['bad-trailer', 'sum', { trailer: { sum: '00000000000375,+' } }, /15 digits and a sign/],
  ['bad-trailer', 'crc', { trailer: { crc: 'DEADBEEF' } }, /lower-case hex/],
  ['wrong-account', 'account', { account: '0000000102' }, /line 1, account \(3-12\): "000000\*{4}" is not the account/],
  ['bad-header', 'currency', { header: { currency: 'USD' } }, /"USD" is not the currency EUR/],
  ['bad-header', 'created', { header: { created: '20260431020000' } }, /"20260431020000" is no time/],
  ['bad-header', 'periodFrom', { from: '20260230' }, /"20260230" is no date/],
  ['bad-header', 'periodTo', { to: '20260228' }, /from the period start on/],
  ['bad-header', 'previousCrc', { header: { previous: '000001XXXXXXXX' } }, /hex/],
  ['unsupported-layout', 'layout', { header: { layout: '0104' } }, /"0104" is not the layout 0103/],
  ['name-mismatch', 'seq', { seq: '000002' }, /"000002" is not the 000001 of the file's name/],
  ['name-mismatch', 'periodFrom', { from: '20260201' }, /not in the 202603/],
  ['missing-trailer', null, Buffer.from(text.slice(0, 202 * 4), 'latin1'), /ends at line 4 without a trailer/],
  ['truncated', null, Buffer.from(text.slice(0, 202 * 3 + 50), 'latin1'), /in the middle of line 4/],
  ['truncated', null, Buffer.from(text.slice(0, -1), 'latin1'), /in the middle of line 5/],
  ['after-trailer', null, Buffer.from(text + text.slice(202, 404), 'latin1'), /goes on after its trailer/],
  ['empty-file', null, Buffer.alloc(0), /is empty/],
  ['bad-header', null, Buffer.from(text.slice(1), 'latin1'), /199 bytes/],
  ['bad-header', 'type', Buffer.from(text.slice(202), 'latin1'), /"10" is not the type 00/],
  ['truncated-gzip', null, gzipped(good).subarray(0, -20), /gzip that ends too early/],
  ['bad-gzip', null, damaged(gzipped(good)), /no whole gzip/],
  ['line-too-long', null, gzipSync(Buffer.alloc(400_000, 65)), /no line end within/],
];

for (const [index, [code, field, file, message]] of cases.entries()) {
  test(`refuses a file as ${code}${field ? ` (${field})` : ''}, case ${index + 1}`, async () => {
    const bytes = file instanceof Uint8Array ? file : gzipped(good, file);
    const problem = await refusal(bytes);
    assert.deepEqual([problem.code, problem.field], [code, field]);
    assert.match(problem.message, message);
    assert.match(problem.message, /^SP16X_0000000101_202603_000001\.dat\.gz/);
  });
}

test('refuses a file whose name is of another account, without telling that account', async () => {
  const name = 'SP16X_0000000999_202603_000001.dat.gz';
  const problem = await refusal(gzipped(good), { name });
  assert.equal(problem.code, 'wrong-account');
  assert.doesNotMatch(JSON.stringify(problem), /0000000999/);
});

test('refuses a name that is not of this layout', async () => {
  assert.equal((await refusal(gzipped(good), { name: '../SP16X.dat.gz' })).code, 'bad-name');
});

test('one flipped byte in a record is found by the crc', async () => {
  const bytes = fileBytes(good);
  bytes[202 * 2 + 120]! ^= 1;
  assert.equal((await refusal(bytes)).code, 'trailer-crc');
});

test('a missing record line is found by the count', async () => {
  const bytes = fileBytes(good);
  assert.equal((await refusal(Buffer.concat([bytes.subarray(0, 404), bytes.subarray(606)]))).code, 'trailer-count');
});

test('refuses what unpacks to too much, by size and by ratio, before it is all unpacked', async () => {
  const unpacked = fileBytes(new Array<string>(5000).fill(line()));
  for (const limits of [
    { maxBytes: 500_000, maxRatio: 1e9, ratioFrom: 0 },
    { maxBytes: 1e9, maxRatio: 20, ratioFrom: 300_000 },
  ]) {
    const problem = await unpackedWith(gzipSync(unpacked), limits);
    assert.equal(problem, 'unpacks-too-large');
  }
  assert.equal(await unpackedWith(gzipSync(unpacked), usualUnpackLimits), null);
});

test('a file with header and trailer only is a month without records', async () => {
  const { result, rows } = await decode(gzipped([]));
  assert.ok(result.ok);
  assert.deepEqual([result.records, result.rows, rows.length, result.cycles], [0, 0, 0, []]);
});

test('the chain of files is told: sequence, period, previous file', async () => {
  const parts = { seq: '000007', header: { previous: '000006cafe0123' }, from: '20260401', to: '20260430' };
  const { result } = await decode(gzipped([], parts), { name: fileNameOf('202604', '000007') });
  assert.ok(result.ok);
  const { seq, periodFrom, periodTo, previousSeq, previousCrc } = result;
  assert.deepEqual(
    { seq, periodFrom, periodTo, previousSeq, previousCrc },
    { seq: 7, periodFrom: '2026-04-01', periodTo: '2026-04-30', previousSeq: 6, previousCrc: 'cafe0123' },
  );
});

function damaged(packed: Buffer): Buffer {
  packed[packed.length - 6]! ^= 0xff;
  return packed;
}

/** The problem's code; null when the file was accepted. */
async function unpackedWith(packed: Buffer, limits: UnpackLimits): Promise<string | null> {
  const directory = mkdtempSync(join(tmpdir(), 'lk-sp16-'));
  try {
    const path = join(directory, 'file');
    writeFileSync(path, packed);
    const sink = { begin() {}, record() {}, end() {}, discard() {} };
    const zone = { timeZone: 'Europe/Amsterdam', numberMask: 4, hashKey: null, nowMs: Date.parse('2026-11-20') };
    const spec = { ...kpnSp16Layout, files: { ...kpnSp16Layout.files, unpack: limits } };
    const options = { path, compression: 'gz' as const, name: fileNameOf(), account, spec, ...zone };
    const outcome = await decodeFile(options, sink, noControl);
    return outcome.ok ? null : outcome.problem.code;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

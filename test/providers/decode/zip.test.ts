import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32, deflateRawSync } from 'node:zlib';
import { FileRefused } from '../../../src/providers/decode/refusal.ts';
import { openSource } from '../../../src/providers/decode/source.ts';
import { usualUnpackLimits } from '../../../src/providers/spec/files.ts';

interface Entry {
  readonly name?: string;
  readonly data: Buffer;
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
}

/** An archive by the description of the format, sharing nothing with the reader. */
function zip(entries: readonly Entry[], comment = ''): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name = 'usage.csv', data, method = 8, flags = 0, crc = crc32(data) } of entries) {
    const packed = method === 8 ? deflateRawSync(data) : data;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(crc, 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    files.push(Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), common, rest, Buffer.from(name));
    at += 30 + name.length + packed.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(Buffer.concat(directory).length, 8);
  end.writeUInt32LE(at, 12);
  end.writeUInt16LE(comment.length, 16);
  return Buffer.concat([...files, ...directory, Buffer.from('PK\x05\x06'), end, Buffer.from(comment)]);
}

async function unpack(bytes: Buffer, limits = usualUnpackLimits): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'lk-zip-'));
  try {
    const path = join(directory, 'file');
    writeFileSync(path, bytes);
    const chunks: Buffer[] = [];
    const source = openSource({ path, compression: 'zip', name: 'usage.zip', limits, onRead() {} });
    for await (const chunk of source) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('latin1');
  } catch (error) {
    if (error instanceof FileRefused) return error.problem.code;
    throw error;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const data = Buffer.from('a;b\n1;2\n'.repeat(50_000));

test('the one file of an archive is unpacked, deflated or stored, with a comment behind it or none', async () => {
  assert.equal(await unpack(zip([{ data }])), data.toString());
  assert.equal(await unpack(zip([{ data, method: 0 }], 'made by hand')), data.toString());
  assert.equal(await unpack(zip([{ data: Buffer.alloc(0), method: 0 }])), '');
});

const refusals: [code: string, what: string, bytes: Buffer][] = [
  ['zip-entries', 'two files', zip([{ data }, { name: 'other.csv', data }])],
  ['zip-entries', 'no file', zip([])],
  ['zip-path', 'a path upwards', zip([{ name: '../usage.csv', data }])],
  ['zip-path', 'a path from the root', zip([{ name: '/etc/passwd', data }])],
  ['zip-path', 'a path of Windows', zip([{ name: 'a\\..\\..\\b', data }])],
  ['zip-path', 'a folder', zip([{ name: 'folder/', data: Buffer.alloc(0), method: 0 }])],
  ['bad-zip', 'encryption', zip([{ data, flags: 1 }])],
  ['bad-zip', 'an unknown method', zip([{ data, method: 14 }])],
  ['bad-zip', 'a wrong crc', zip([{ data, crc: 1 }])],
  ['bad-zip', 'a cut end', zip([{ data }]).subarray(0, -1)],
  ['bad-zip', 'no ZIP', Buffer.from('a;b\n1;2\n')],
];
for (const [code, what, bytes] of refusals) {
  test(`an archive with ${what} is refused as ${code}`, async () => assert.equal(await unpack(bytes), code));
}

test('a bomb is refused before it is unpacked', async () => {
  const bomb = zip([{ data: Buffer.alloc(40_000_000) }]);
  assert.equal(await unpack(bomb, { maxBytes: 1e9, maxRatio: 100, ratioFrom: 1_000_000 }), 'unpacks-too-large');
});

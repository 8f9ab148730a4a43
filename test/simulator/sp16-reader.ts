/** Reads an SP16X file by the positions of the specification, knowing nothing of how the simulator writes it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { crc32, gunzipSync } from 'node:zlib';

export interface ReadFile {
  header: string;
  lines: string[];
  trailer: string;
  /** Computed from the bytes. */
  crc: string;
}

/** Positions are 1-based and inclusive, as the specification counts them. */
export function at(line: string, from: number, to = from): string {
  return line.slice(from - 1, to);
}

export function readSp16(pathOrBytes: string | Buffer): ReadFile {
  const gz = typeof pathOrBytes === 'string' ? readFileSync(pathOrBytes) : pathOrBytes;
  const plain = gunzipSync(gz);
  assert.equal(plain.length % 202, 0, 'whole lines of 200 bytes and CRLF');
  const lines: string[] = [];
  for (let offset = 0; offset < plain.length; offset += 202) {
    assert.equal(plain.toString('latin1', offset + 200, offset + 202), '\r\n');
    lines.push(plain.toString('latin1', offset, offset + 200));
  }
  const crc = crc32(plain.subarray(0, plain.length - 202));
  const header = lines.shift() ?? '';
  const trailer = lines.pop() ?? '';
  return { header, lines, trailer, crc: crc.toString(16).padStart(8, '0') };
}

export function signedAmount(text: string): number {
  assert.match(text, /^\d+[+-]$/);
  return Number(text.slice(0, -1)) * (text.endsWith('-') ? -1 : 1);
}

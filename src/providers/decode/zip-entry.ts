/**
 * Where the one file of a ZIP archive stands (PKWARE's APPNOTE.TXT, 4.3). What can hide something is refused: several files, an
 * entry outside of its folder, encryption, archives in parts, and ZIP64, which an archive below 4 GiB does not need.
 * Throws `FileRefused`: `bad-zip`, `zip-entries`, `zip-path`.
 */
import { readSync } from 'node:fs';
import { refused } from './refusal.ts';

export interface ZipEntry {
  /** First byte of its data in the archive, and how many there are. */
  readonly at: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly crc: number;
  readonly deflated: boolean;
}

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;
const endBytes = 22;
const longestComment = 65_535;
const entryBytes = 46;
const localBytes = 30;
const encryptedFlag = 1;
const stored = 0;
const deflated = 8;

export function readZipEntry(file: number, size: number, name: string): ZipEntry {
  const bad = (what: string) => refused(name, 'bad-zip', what);
  const tailAt = Math.max(0, size - endBytes - longestComment);
  const tail = bytesAt(file, tailAt, size - tailAt);
  const end = lastSignature(tail);
  if (end < 0) throw bad('is no ZIP, or ends too early');
  const entries = tail.readUInt16LE(end + 10);
  const directoryBytes = tail.readUInt32LE(end + 12);
  const directoryAt = tail.readUInt32LE(end + 16);
  if (tail.readUInt16LE(end + 4) !== 0) throw bad('is one part of a ZIP in several');
  if (directoryAt + directoryBytes > size) throw bad('is ZIP64, or its directory is not in it');
  if (entries !== 1) throw refused(name, 'zip-entries', `holds ${entries} files, not one`);
  const entry = bytesAt(file, directoryAt, directoryBytes);
  if (entry.length < entryBytes || entry.readUInt32LE(0) !== entrySignature) throw bad('has a malformed directory');
  const inner = entry.toString('latin1', entryBytes, entryBytes + entry.readUInt16LE(28));
  if (/^[/\\]|[/\\]$|^\w:|(?:^|[/\\])\.\.(?:[/\\]|$)|\0/.test(inner)) {
    throw refused(name, 'zip-path', 'holds a file that wants to lie outside of its folder, or a folder');
  }
  const method = entry.readUInt16LE(10);
  if ((entry.readUInt16LE(8) & encryptedFlag) !== 0) throw bad('is encrypted');
  if (method !== stored && method !== deflated) throw bad(`is packed by method ${method}, which is not read here`);
  const localAt = entry.readUInt32LE(42);
  const local = bytesAt(file, localAt, localBytes);
  if (local.length < localBytes || local.readUInt32LE(0) !== localSignature)
    throw bad('has no file where its directory says');
  const at = localAt + localBytes + local.readUInt16LE(26) + local.readUInt16LE(28);
  const packedBytes = entry.readUInt32LE(20);
  if (at + packedBytes > directoryAt) throw bad('has a file that reaches into its directory');
  return { at, packedBytes, bytes: entry.readUInt32LE(24), crc: entry.readUInt32LE(16), deflated: method === deflated };
}

function lastSignature(tail: Buffer): number {
  for (let at = tail.length - endBytes; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) === endSignature && at + endBytes + tail.readUInt16LE(at + 20) === tail.length) return at;
  }
  return -1;
}

function bytesAt(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const read = readSync(file, bytes, filled, length - filled, at + filled);
    if (read === 0) return bytes.subarray(0, filled);
    filled += read;
  }
  return bytes;
}

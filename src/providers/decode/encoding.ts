/**
 * Is a record's text what its encoding allows? Strict: an invalid byte is an error, and so is text that was encoded twice or
 * read in the wrong encoding (`Ã©` for `é`), which is valid and wrong.
 */
import { isUtf8 } from 'node:buffer';
import type { Encoding } from '../spec/files.ts';
import type { FieldPlan } from './field-plan.ts';
import { fault, type LineFault } from './line-fault.ts';

/** Windows-1252 leaves these five unassigned. */
const unassigned = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

/** Bytes of the file as text. */
export function textOf(bytes: Buffer, encoding: Encoding): string {
  if (encoding === 'windows-1252') return new TextDecoder('windows-1252').decode(bytes);
  return bytes.toString(encoding === 'utf-8' ? 'utf8' : 'latin1');
}

/** Takes bytes of which some are above 0x7e. */
export function isText(bytes: Buffer, from: number, to: number, encoding: Encoding): boolean {
  if (encoding === 'utf-8') return isUtf8(bytes.subarray(from, to)) && !encodedTwice(bytes, from, to);
  for (let index = from; index < to; index += 1) {
    if (bytes[index]! >= 0x7f && !isLetter(bytes, index, to, encoding)) return false;
  }
  return true;
}

/** Of one byte above 0x7e, in an encoding of one byte a letter. The text ends before `to`. */
export function isLetter(bytes: Buffer, at: number, to: number, encoding: Exclude<Encoding, 'utf-8'>): boolean {
  const byte = bytes[at]!;
  if (byte === 0x7f || (encoding === 'iso-8859-1' ? byte < 0xa0 : unassigned.has(byte))) return false;
  const next = at + 1 < to ? bytes[at + 1]! : 0;
  return !((byte === 0xc3 || byte === 0xc2) && next >= 0x80 && next < 0xc0);
}

export function notText(field: FieldPlan | null, encoding: Encoding): LineFault {
  switch (encoding) {
    case 'utf-8':
      return fault('not-utf-8', field, 'is not UTF-8, or is UTF-8 encoded twice');
    case 'iso-8859-1':
      return fault('not-latin-1', field, 'is not ISO-8859-1, or a byte above 7e stands outside the text');
    case 'windows-1252':
      return fault('not-windows-1252', field, 'is not Windows-1252, or is UTF-8 read as that');
  }
}

/** C3 or C2, encoded once more, before another that was a continuation byte. */
function encodedTwice(bytes: Buffer, from: number, to: number): boolean {
  for (let index = from; index + 3 < to; index += 1) {
    const lead = bytes[index] === 0xc3 && (bytes[index + 1] === 0x83 || bytes[index + 1] === 0x82);
    if (lead && bytes[index + 2] === 0xc2 && bytes[index + 3]! >= 0x80 && bytes[index + 3]! < 0xc0) return true;
  }
  return false;
}

/**
 * Keys for records whose provider gives no stable id (domain.md 4.1): sha256 over account, number, local start, kind, dialled
 * number, usage and amount, and how often that content came in this file. Two identical messages in one second are two
 * records; the n-th equal one of a re-delivery is the same n-th record.
 */
import { hash } from 'node:crypto';
import { recordKinds } from '../spec/fields.ts';
import type { DecodedRecord } from './record.ts';
import { SeenKeys } from './seen-keys.ts';

const digestBytes = 32;
const numbers = 7;
const longestText = 128;

export class ContentKeys {
  readonly #seen: SeenKeys;
  readonly #content: Buffer;
  readonly #accountBytes: number;
  readonly #key = Buffer.alloc(digestBytes + 4);

  constructor(account: string, expected: number) {
    this.#seen = new SeenKeys(expected);
    this.#accountBytes = Buffer.byteLength(account);
    this.#content = Buffer.alloc(this.#accountBytes + numbers * 8 + longestText);
    this.#content.write(account);
  }

  /** Sets the record's key. `dialledFrom` to `dialledTo`: the number as it was written. */
  of(record: DecodedRecord, dialledFrom: number, dialledTo: number): void {
    const content = this.#content;
    let at = this.#accountBytes;
    for (const value of [record.date, record.second, recordKinds.indexOf(record.kind), record.usageS]) {
      at = content.writeDoubleLE(value, at);
    }
    for (const value of [record.usageOctets, record.usageCount, record.providerAmountE8])
      at = content.writeDoubleLE(value, at);
    at += content.write(record.msisdnCountry, at);
    at = append(content, at, record.bytes, record.msisdnFrom, record.msisdnFrom + record.msisdnDigits);
    content[at++] = 0;
    at = append(content, at, record.bytes, dialledFrom, dialledTo);
    const key = this.#key;
    key.set(hash('sha256', content.subarray(0, at), 'buffer'));
    key.writeUInt32BE(this.#seen.count(key, 0, digestBytes), digestBytes);
    record.keyBytes = key;
    record.keyFrom = 0;
    record.keyTo = key.length;
  }
}

function append(target: Buffer, at: number, bytes: Buffer, from: number, to: number): number {
  let end = at;
  for (let index = from; index < to; index += 1) target[end++] = bytes[index]!;
  return end;
}

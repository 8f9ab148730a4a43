/**
 * What is kept of a dialled number, from the bytes of its field. Two memories spare the work per record: one by the digits
 * that masking leaves (few, so that nearly every record finds its text there), one by the whole field for the HMAC, which
 * would cost more than the rest of the decoding. Both are direct-mapped, so bounded: a newcomer replaces the entry of its slot.
 * Full numbers are in memory only.
 */
import { createHmac } from 'node:crypto';
import { keepOf, normaliseDialled } from '../../../src/telecom/dialled.ts';

export interface KeptDialled {
  /** Empty when no digits may be kept. */
  readonly prefix: string;
  readonly masked: string | null;
}

export const noDialled: KeptDialled = { prefix: '', masked: null };
const fieldBytes = 24;
/** A Dutch number as keyed at home: 0 and nine digits, nothing confidential among them (dialled.ts). */
const nationalDigits = 10;
const blank = 32;
const zero = 48;

export class DialledNumbers {
  readonly #mask: number;
  readonly #hashKey: Uint8Array | null;
  readonly #national = new FieldMemo<KeptDialled>(65_536);
  readonly #other = new FieldMemo<KeptDialled | null>(16_384);
  readonly #hashes = new FieldMemo<string | null>(131_072);

  /** Without a key no hashes are made. `numberMask` is at most 9. */
  constructor(numberMask: number, hashKey: Uint8Array | null) {
    this.#mask = numberMask;
    this.#hashKey = hashKey;
  }

  /** Null when the field holds something that is no number. */
  of(bytes: Buffer, at: number): KeptDialled | null {
    if (!isNational(bytes, at)) {
      const known = this.#other.get(bytes, at, fieldBytes);
      return known === undefined ? this.#other.put(kept(textOf(bytes, at), this.#mask)) : known;
    }
    const known = this.#national.get(bytes, at, nationalDigits - this.#mask);
    return known === undefined ? this.#national.put(kept(textOf(bytes, at), this.#mask)!) : known;
  }

  /** Hex, or null (see `Sp16Record.dialledHash`). The field must hold a number or be blank. */
  hashOf(bytes: Buffer, at: number): string | null {
    if (!this.#hashKey) return null;
    const known = this.#hashes.get(bytes, at, fieldBytes);
    return known === undefined ? this.#hashes.put(hash(textOf(bytes, at), this.#hashKey)) : known;
  }
}

/** Values by the bytes they came from. `put` fills the slot that the `get` before it missed. */
class FieldMemo<T> {
  readonly #slots: number;
  readonly #keys: Uint8Array;
  readonly #values: (T | undefined)[];
  #slot = 0;

  constructor(slots: number) {
    this.#slots = slots;
    this.#keys = new Uint8Array(slots * fieldBytes);
    this.#values = new Array<T | undefined>(slots).fill(undefined);
  }

  get(bytes: Buffer, at: number, length: number): T | undefined {
    let hash = 0;
    for (let index = at; index < at + length; index += 1) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
    this.#slot = (hash ^ (hash >>> 15)) & (this.#slots - 1);
    const key = this.#slot * fieldBytes;
    const keys = this.#keys;
    let same = true;
    for (let index = 0; index < length; index += 1) {
      const byte = bytes[at + index]!;
      if (keys[key + index] === byte) continue;
      same = false;
      keys[key + index] = byte;
    }
    return same ? this.#values[this.#slot] : undefined;
  }

  put(value: T): T {
    this.#values[this.#slot] = value;
    return value;
  }
}

function isNational(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== zero || bytes[at + 1] === zero || bytes[at + nationalDigits] !== blank) return false;
  for (let index = at + 1; index < at + nationalDigits; index += 1) {
    const digit = bytes[index]! - zero;
    if (digit < 0 || digit > 9) return false;
  }
  for (let index = at + nationalDigits; index < at + fieldBytes; index += 1) if (bytes[index] !== blank) return false;
  return true;
}

function textOf(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, at + fieldBytes).trimEnd();
}

function kept(text: string, mask: number): KeptDialled | null {
  if (text === '') return noDialled;
  const dialled = normaliseDialled(text);
  if (!dialled) return null;
  const { prefix, masked } = keepOf(dialled, mask);
  return { prefix: prefix ?? '', masked };
}

function hash(text: string, key: Uint8Array): string | null {
  const dialled = normaliseDialled(text);
  if (!dialled || dialled.confidential) return null;
  return createHmac('sha256', key).update(dialled.digits, 'latin1').digest('hex');
}

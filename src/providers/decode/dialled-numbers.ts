/**
 * What is kept of a dialled number, from the bytes of its field. Two memories spare the work per record: one by the digits
 * that masking leaves (few, so that nearly every record finds its text there), one by the whole number for the HMAC, which
 * would cost more than the rest of the decoding. Both are bounded: a newcomer replaces the entry of its slot.
 * Full numbers are in memory only.
 */
import { createHmac } from 'node:crypto';
import { keepOf, normaliseDialled } from '../../telecom/dialled.ts';
import { readDigits } from './digits.ts';

export interface KeptDialled {
  /** Empty when no digits may be kept. */
  readonly prefix: string;
  readonly masked: string | null;
}

export const noDialled: KeptDialled = { prefix: '', masked: null };
const longest = 24;
/** A Dutch number as keyed at home: 0 and nine digits, nothing confidential among them (dialled.ts). */
const nationalDigits = 10;
/** With fewer digits hidden the table would be too large. */
const leastMask = 4;
const blank = 32;
const zero = 48;

export class DialledNumbers {
  readonly #mask: number;
  readonly #hashKey: Uint8Array | null;
  readonly #national: (KeptDialled | undefined)[];
  /** 10 for each hidden digit. */
  readonly #hidden: number;
  readonly #other = new FieldMemo<KeptDialled | null>(16_384);
  readonly #hashes: FieldMemo<string | null> | null;

  /** Without a key no hashes are made. `numberMask` is at most 9. */
  constructor(numberMask: number, hashKey: Uint8Array | null) {
    this.#mask = numberMask;
    this.#hidden = 10 ** numberMask;
    this.#national = new Array<KeptDialled | undefined>(
      10 ** (nationalDigits - 1 - Math.max(numberMask, leastMask)),
    ).fill(undefined);
    this.#hashKey = hashKey;
    this.#hashes = hashKey === null ? null : new FieldMemo(131_072);
  }

  /** True when what it has learnt holds for files of this mask and key, too. */
  serves(numberMask: number, hashKey: Uint8Array | null): boolean {
    if (numberMask !== this.#mask || hashKey === null || this.#hashKey === null) return false;
    return Buffer.compare(hashKey, this.#hashKey) === 0;
  }

  /** Null when the field holds something that is no number. Blanks on the right do not count. */
  of(bytes: Buffer, from: number, to: number): KeptDialled | null {
    const length = lengthOf(bytes, from, to);
    if (length === 0) return noDialled;
    const index = length === nationalDigits ? this.#nationalIndex(bytes, from) : -1;
    if (index < 0) {
      if (length > longest) return null;
      const known = this.#other.get(bytes, from, length);
      return known === undefined ? this.#other.put(kept(textOf(bytes, from, length), this.#mask)) : known;
    }
    const known = this.#national[index];
    if (known !== undefined) return known;
    const fresh = kept(textOf(bytes, from, length), this.#mask)!;
    this.#national[index] = fresh;
    return fresh;
  }

  /** The digits that masking leaves of a Dutch number as keyed at home, as a number; -1 when it is none, or they are too many. */
  #nationalIndex(bytes: Buffer, from: number): number {
    if (bytes[from] !== zero || bytes[from + 1] === zero || this.#mask < leastMask) return -1;
    const number = readDigits(bytes, from + 1, nationalDigits - 1);
    return number < 0 ? -1 : (number / this.#hidden) | 0;
  }

  /** Hex, or null (see `DecodedRecord.dialledHash`). The field must hold a number or be blank. */
  hashOf(bytes: Buffer, from: number, to: number): string | null {
    const hashes = this.#hashes;
    if (hashes === null) return null;
    const length = lengthOf(bytes, from, to);
    const known = hashes.get(bytes, from, length);
    return known === undefined ? hashes.put(hash(textOf(bytes, from, length), this.#hashKey!)) : known;
  }

  /**
   * A number of which the provider hides digits itself: shown with at least as many hidden as here, never matched by its
   * digits. One without a hidden digit is a number like any other. Null when it is neither.
   */
  hidden(bytes: Buffer, from: number, to: number): KeptDialled | null {
    const length = lengthOf(bytes, from, to);
    if (length === 0) return noDialled;
    const text = length > longest ? '' : textOf(bytes, from, length);
    if (!/^\+?[\dxX*]+$/.test(text)) return null;
    if (!/[xX*]/.test(text)) return this.of(bytes, from, to);
    const shown = text.replace(/[xX]/g, '*');
    const open = shown.length <= 6 ? 0 : Math.max(0, shown.length - this.#mask);
    return { prefix: '', masked: shown.slice(0, open) + shown.slice(open).replace(/\d/g, '*') };
  }
}

/** Values by the bytes they came from. `put` fills the slot that the `get` before it missed. */
class FieldMemo<T> {
  readonly #slots: number;
  readonly #keys: Uint8Array;
  readonly #lengths: Uint8Array;
  readonly #values: (T | undefined)[];
  #slot = 0;

  constructor(slots: number) {
    this.#slots = slots;
    this.#keys = new Uint8Array(slots * longest);
    this.#lengths = new Uint8Array(slots);
    this.#values = new Array<T | undefined>(slots).fill(undefined);
  }

  get(bytes: Buffer, at: number, length: number): T | undefined {
    let hash = length;
    for (let index = at; index < at + length; index += 1) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
    this.#slot = (hash ^ (hash >>> 15)) & (this.#slots - 1);
    const key = this.#slot * longest;
    const keys = this.#keys;
    let same = this.#lengths[this.#slot] === length;
    this.#lengths[this.#slot] = length;
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

function lengthOf(bytes: Buffer, from: number, to: number): number {
  let end = to;
  while (end > from && bytes[end - 1] === blank) end -= 1;
  return end - from;
}

function textOf(bytes: Buffer, at: number, length: number): string {
  return bytes.toString('latin1', at, at + length);
}

function kept(text: string, mask: number): KeptDialled | null {
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

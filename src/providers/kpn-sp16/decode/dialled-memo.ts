/**
 * What is kept of a dialled number, remembered by the bytes of its field: people call the same numbers, and an HMAC per
 * record would cost more than the rest of its decoding. Direct-mapped, so memory is bounded: a newcomer replaces the entry
 * of its slot. Full numbers live here in memory only.
 */
import { createHmac } from 'node:crypto';
import { keepOf, normaliseDialled } from '../../../telecom/dialled.ts';

export interface KeptDialled {
  /** Empty when no digits may be kept. */
  readonly prefix: string;
  readonly masked: string | null;
  /** HMAC-SHA256 of the E.164 digits, hex; null without a key and for confidential numbers. */
  readonly hash: string | null;
}

export const noDialled: KeptDialled = { prefix: '', masked: null, hash: null };
const slots = 32_768;
const fieldBytes = 24;

export class DialledMemo {
  readonly #mask: number;
  readonly #hashKey: Uint8Array | null;
  readonly #keys = new Uint8Array(slots * fieldBytes);
  readonly #values: (KeptDialled | null | undefined)[] = new Array(slots);

  /** Without a key no hashes are made. */
  constructor(numberMask: number, hashKey: Uint8Array | null) {
    this.#mask = numberMask;
    this.#hashKey = hashKey;
  }

  /** Null when the field holds something that is no number. */
  of(bytes: Buffer, at: number): KeptDialled | null {
    let hash = 0;
    for (let index = at; index < at + fieldBytes; index += 1) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
    const slot = (hash ^ (hash >>> 15)) & (slots - 1);
    const key = slot * fieldBytes;
    const known = this.#values[slot];
    if (known !== undefined && this.#holds(key, bytes, at)) return known;
    const value = this.#make(bytes.toString('latin1', at, at + fieldBytes).trimEnd());
    for (let index = 0; index < fieldBytes; index += 1) this.#keys[key + index] = bytes[at + index]!;
    this.#values[slot] = value;
    return value;
  }

  #holds(key: number, bytes: Buffer, at: number): boolean {
    for (let index = 0; index < fieldBytes; index += 1) if (this.#keys[key + index] !== bytes[at + index]) return false;
    return true;
  }

  #make(text: string): KeptDialled | null {
    if (text === '') return noDialled;
    const dialled = normaliseDialled(text);
    if (!dialled) return null;
    const kept = keepOf(dialled, this.#mask);
    const hash =
      dialled.confidential || !this.#hashKey
        ? null
        : createHmac('sha256', this.#hashKey).update(dialled.digits, 'latin1').digest('hex');
    return { prefix: kept.prefix ?? '', masked: kept.masked, hash };
  }
}

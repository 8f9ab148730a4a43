/**
 * What a provider's codes mean, found by their bytes. A code that is not in the table is category `unknown` and remembered,
 * so that a person can be told; no string is made for one that was seen before.
 */
import type { Encoding } from '../spec/files.ts';
import type { RecordsSpec } from '../spec/records.ts';
import { textOf } from './encoding.ts';
import { encoded } from './field-plan.ts';

export const unknownCategory = 'unknown';
/** More different unknown codes than this are no codes: the wrong column was taken for them. */
export const mostUnknownCodes = 10_000;

export interface Code {
  readonly code: string;
  readonly category: string;
  readonly roaming: boolean;
  /** Its place among the codes of this table, from 0. */
  readonly index: number;
  /** Printable ASCII without a backslash: needs no escape in COPY text. */
  readonly plain: boolean;
}

const slots = 32_768;
/** Codes of four digits, which most providers have, are found by their number. */
const numbered = 4;

export class CodeTable {
  readonly #slots = new Int32Array(slots);
  readonly #byNumber = new Array<Code | undefined>(10 ** numbered).fill(undefined);
  readonly #bytes: Buffer[] = [];
  readonly #codes: Code[] = [];
  readonly #encoding: Encoding;
  readonly #known: number;

  constructor(codes: RecordsSpec['codes'], encoding: Encoding) {
    this.#encoding = encoding;
    for (const [code, { category, roaming }] of Object.entries(codes)) {
      const bytes = encoded(code, encoding);
      this.#put(this.#slotOf(bytes, 0, bytes.length), bytes, {
        code,
        category,
        roaming,
        index: this.#codes.length,
        plain: isPlain(code),
      });
    }
    this.#known = this.#codes.length;
  }

  get unknownCodes(): readonly string[] {
    return this.#codes
      .slice(this.#known)
      .map(({ code }) => code)
      .sort();
  }

  /** As `find`, of digits only; `number` is what they say. */
  findDigits(number: number, bytes: Uint8Array, from: number, to: number): Code | null {
    if (to - from !== numbered) return this.find(bytes, from, to);
    const known = this.#byNumber[number];
    if (known !== undefined) return known;
    const code = this.find(bytes, from, to);
    if (code !== null) this.#byNumber[number] = code;
    return code;
  }

  /** Null when there are too many unknown ones. */
  find(bytes: Uint8Array, from: number, to: number): Code | null {
    const slot = this.#slotOf(bytes, from, to);
    const index = this.#slots[slot]! - 1;
    if (index >= 0) return this.#codes[index]!;
    if (this.#codes.length - this.#known >= mostUnknownCodes) return null;
    const copy = Buffer.from(bytes.subarray(from, to));
    const text = textOf(copy, this.#encoding);
    const code = {
      code: text,
      category: unknownCategory,
      roaming: false,
      index: this.#codes.length,
      plain: isPlain(text),
    };
    this.#put(slot, copy, code);
    return code;
  }

  #put(slot: number, bytes: Buffer, code: Code): void {
    this.#codes.push(code);
    this.#bytes.push(bytes);
    this.#slots[slot] = this.#codes.length;
  }

  #slotOf(bytes: Uint8Array, from: number, to: number): number {
    let hash = to - from;
    for (let index = from; index < to; index += 1) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
    let slot = (hash ^ (hash >>> 15)) & (slots - 1);
    for (;;) {
      const index = this.#slots[slot]! - 1;
      if (index < 0 || sameBytes(this.#bytes[index]!, bytes, from, to)) return slot;
      slot = (slot + 1) & (slots - 1);
    }
  }
}

function isPlain(text: string): boolean {
  return /^[\x20-\x5b\x5d-\x7e]+$/.test(text);
}

function sameBytes(known: Buffer, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  for (let index = 0; index < known.length; index += 1) if (known[index] !== bytes[from + index]) return false;
  return true;
}

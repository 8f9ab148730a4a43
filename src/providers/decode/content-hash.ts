/**
 * 64-bit hash of a record's bytes in two 32-bit lanes (multiply, rotate, final avalanche as in MurmurHash3), so that equal
 * content in a re-delivery is seen without comparing columns. Not cryptographic; it only compares deliveries of one record.
 * The same pass over a line's bytes tells whether it holds control characters, and where bytes above 0x7f are.
 */
import type { Slots } from './layout.ts';

export class ContentHash {
  high = 0;
  low = 0;
  hasControl = false;
  highByteInText = false;
  highByteOutside = false;
  #a = 0;
  #b = 0;
  #control = 0;

  /** Takes the line of `length` bytes, a multiple of four, at `at`; its text stands from `textFrom` to `textTo`, multiples too. */
  line(bytes: DataView, at: number, length: number, textFrom: number, textTo: number): void {
    this.#a = 0x2f0b4c47;
    this.#b = 0x165667b1;
    this.#control = 0;
    const before = this.#words(bytes, at, at + textFrom);
    const inside = this.#words(bytes, at + textFrom, at + textTo);
    const after = this.#words(bytes, at + textTo, at + length);
    this.#finish();
    this.hasControl = this.#control !== 0;
    this.highByteInText = inside !== 0;
    this.highByteOutside = (before | after) !== 0;
  }

  /** Takes the values of a record, whatever stood between them in the file. */
  values(slots: Slots): void {
    const { bytes, from, to } = slots;
    let a = 0x2f0b4c47;
    let b = 0x165667b1;
    for (let slot = 0; slot < from.length; slot += 1) {
      const end = to[slot]!;
      let word = end - from[slot]!;
      let shift = 16;
      for (let index = from[slot]!; index < end; index += 1) {
        word ^= bytes[index]! << shift;
        shift += 8;
        if (shift < 32) continue;
        a = Math.imul(a ^ word, 0xcc9e2d51 | 0);
        a = (a << 15) | (a >>> 17);
        b = Math.imul(b + word, 0x1b873593);
        b = ((b << 13) | (b >>> 19)) ^ a;
        word = 0;
        shift = 0;
      }
      a = Math.imul(a ^ word, 0xcc9e2d51 | 0);
      a = (a << 15) | (a >>> 17);
      b = Math.imul(b + word, 0x1b873593);
      b = ((b << 13) | (b >>> 19)) ^ a;
    }
    this.#a = a;
    this.#b = b;
    this.#finish();
  }

  #finish(): void {
    const a = avalanche(this.#a);
    const b = avalanche(this.#b + a);
    this.high = (a + b) | 0;
    this.low = b;
  }

  /** Answers the top bits of the bytes, or-ed together. */
  #words(bytes: DataView, from: number, to: number): number {
    let a = this.#a;
    let b = this.#b;
    let control = 0;
    let above = 0;
    for (let index = from; index < to; index += 4) {
      const word = bytes.getInt32(index, true);
      // exact test for "some byte is below 0x20" (Bit Twiddling Hacks, hasless)
      control |= (word - 0x20202020) & ~word & 0x80808080;
      above |= word;
      a = Math.imul(a ^ word, 0xcc9e2d51 | 0);
      a = (a << 15) | (a >>> 17);
      b = Math.imul(b + word, 0x1b873593);
      b = ((b << 13) | (b >>> 19)) ^ a;
    }
    this.#a = a;
    this.#b = b;
    this.#control |= control;
    return above & 0x80808080;
  }
}

function avalanche(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

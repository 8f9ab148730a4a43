/**
 * 64-bit hash of a line's bytes in two 32-bit lanes (multiply, rotate, final avalanche as in MurmurHash3), so that equal
 * content in a re-delivery is seen without comparing columns. Not cryptographic; it only compares deliveries of one record.
 * The same pass over the bytes tells whether the line holds control characters, and where bytes above 0x7f are.
 */
import { lineLength, recordLayout } from '../../../src/providers/kpn-sp16/layout.ts';

// the text field, widened to whole words of four bytes
const textFrom = (recordLayout.text.from - 1) & ~3;
const textTo = (recordLayout.text.to + 3) & ~3;

export class ContentHash {
  high = 0;
  low = 0;
  hasControl = false;
  highByteInText = false;
  highByteOutside = false;
  #a = 0;
  #b = 0;
  #control = 0;

  /** Takes the line of `lineLength` bytes at `at`. */
  update(bytes: Uint8Array, at: number): void {
    this.#a = 0x2f0b4c47;
    this.#b = 0x165667b1;
    this.#control = 0;
    const before = this.#words(bytes, at, at + textFrom);
    const inside = this.#words(bytes, at + textFrom, at + textTo);
    const after = this.#words(bytes, at + textTo, at + lineLength);
    const a = avalanche(this.#a);
    const b = avalanche(this.#b + a);
    this.high = (a + b) | 0;
    this.low = b;
    this.hasControl = this.#control !== 0;
    this.highByteInText = inside !== 0;
    this.highByteOutside = (before | after) !== 0;
  }

  /** Answers the top bits of the bytes, or-ed together. */
  #words(bytes: Uint8Array, from: number, to: number): number {
    let a = this.#a;
    let b = this.#b;
    let control = 0;
    let above = 0;
    for (let index = from; index < to; index += 4) {
      const word = bytes[index]! | (bytes[index + 1]! << 8) | (bytes[index + 2]! << 16) | (bytes[index + 3]! << 24);
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

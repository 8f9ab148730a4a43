/**
 * 64-bit hash of a line's bytes in two 32-bit lanes (multiply, rotate, final avalanche as in MurmurHash3), so that equal
 * content in a re-delivery is seen without comparing columns. Not cryptographic; it only compares deliveries of one record.
 * The same pass over the bytes tells whether the line holds control characters or bytes above 0x7f.
 */
export class ContentHash {
  high = 0;
  low = 0;
  hasControl = false;
  hasHighByte = false;

  /** `length` must be a multiple of 4. */
  update(bytes: Uint8Array, at: number, length: number): void {
    let a = 0x2f0b4c47;
    let b = 0x165667b1;
    let control = 0;
    let above = 0;
    const end = at + length;
    for (let index = at; index < end; index += 4) {
      const word = bytes[index]! | (bytes[index + 1]! << 8) | (bytes[index + 2]! << 16) | (bytes[index + 3]! << 24);
      // exact test for "some byte is below 0x20" (Bit Twiddling Hacks, hasless)
      control |= (word - 0x20202020) & ~word & 0x80808080;
      above |= word & 0x80808080;
      a = Math.imul(a ^ word, 0xcc9e2d51 | 0);
      a = (a << 15) | (a >>> 17);
      b = Math.imul(b + word, 0x1b873593);
      b = ((b << 13) | (b >>> 19)) ^ a;
    }
    a = avalanche(a ^ length);
    b = avalanche(b + a);
    this.high = (a + b) | 0;
    this.low = b;
    this.hasControl = control !== 0;
    this.hasHighByte = above !== 0;
  }
}

function avalanche(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

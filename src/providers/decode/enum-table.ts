/**
 * Which of a few known texts stands in a field, by its bytes: no string is made. Trailing blanks do not count. A text that ends
 * in `*` stands for every one that begins so, when it is none of the others; the longest such decides.
 */
const blank = 32;
const star = 42;

export class EnumTable {
  /** First four bytes of each text and its length. */
  readonly #heads: Int32Array;
  readonly #texts: readonly Buffer[];
  /** Index plus one by the only byte of a field: most flags are one character. */
  readonly #byByte = new Int8Array(256);
  /** The same by two bytes, low one first; null unless all texts have two. */
  readonly #byPair: Int8Array | null;
  readonly #beginnings: readonly { readonly index: number; readonly text: Buffer }[];

  /** `texts` as the file writes them, in its encoding. */
  constructor(texts: readonly Buffer[]) {
    this.#beginnings = texts
      .map((text, index) => ({ index, text }))
      .filter(({ text }) => text.at(-1) === star)
      .map(({ index, text }) => ({ index, text: text.subarray(0, -1) }))
      .sort((a, b) => b.text.length - a.text.length);
    this.#texts = texts;
    this.#heads = Int32Array.from(texts, (text) => head(text, 0, text.length));
    this.#byPair =
      texts.length > 0 && texts.length < 127 && texts.every(({ length }) => length === 2)
        ? new Int8Array(65_536)
        : null;
    for (const [index, text] of texts.entries()) {
      if (this.#byPair) this.#byPair[text[0]! | (text[1]! << 8)] = index + 1;
      if (text.length < 2 && index < 127) this.#byByte[text[0] ?? blank] = index + 1;
    }
  }

  /** Index of the text; -1 when it is none of them. */
  find(bytes: Uint8Array, from: number, to: number): number {
    if (this.#beginnings.length === 0) {
      if (to - from === 1) return this.#byByte[bytes[from]!]! - 1;
      if (this.#byPair !== null && to - from === 2) return this.#byPair[bytes[from]! | (bytes[from + 1]! << 8)]! - 1;
    }
    let end = to;
    while (end > from && bytes[end - 1] === blank) end -= 1;
    const length = end - from;
    const wanted = head(bytes, from, length);
    for (let index = 0; index < this.#heads.length; index += 1) {
      if (this.#heads[index] !== wanted) continue;
      const text = this.#texts[index]!;
      if (text.length === length && (length <= 4 || same(text, bytes, from))) return index;
    }
    return length === 0 ? -1 : this.#beginning(bytes, from, length);
  }

  #beginning(bytes: Uint8Array, from: number, length: number): number {
    for (const { index, text } of this.#beginnings) {
      if (length >= text.length && text.every((byte, at) => bytes[from + at] === byte)) return index;
    }
    return -1;
  }
}

function head(bytes: Uint8Array, at: number, length: number): number {
  let packed = 0;
  for (let index = 0; index < length && index < 4; index += 1) packed = (packed << 8) | bytes[at + index]!;
  return packed;
}

function same(text: Buffer, bytes: Uint8Array, from: number): boolean {
  for (let index = 4; index < text.length; index += 1) if (text[index] !== bytes[from + index]) return false;
  return true;
}

/**
 * Strings by their bytes (ISO-8859-1): one string for every distinct text instead of one per row. Direct-mapped, so memory is
 * bounded; a newcomer replaces the text of its slot.
 */
const slots = 16_384;
const longest = 24;

export class TextMemo {
  readonly #keys = new Uint8Array(slots * longest);
  readonly #texts: string[] = new Array<string>(slots).fill('');

  of(bytes: Buffer, at: number, length: number): string {
    if (length > longest) return bytes.toString('latin1', at, at + length);
    let hash = length;
    for (let index = at; index < at + length; index += 1) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
    const slot = (hash ^ (hash >>> 15)) & (slots - 1);
    const key = slot * longest;
    const known = this.#texts[slot]!;
    if (known.length === length && this.#holds(key, bytes, at, length)) return known;
    const text = bytes.toString('latin1', at, at + length);
    for (let index = 0; index < length; index += 1) this.#keys[key + index] = bytes[at + index]!;
    this.#texts[slot] = text;
    return text;
  }

  #holds(key: number, bytes: Buffer, at: number, length: number): boolean {
    for (let index = 0; index < length; index += 1) if (this.#keys[key + index] !== bytes[at + index]) return false;
    return true;
  }
}

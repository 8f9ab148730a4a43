/** Strings and numbers of JSON on bytes (RFC 8259), strict. */

export const quote = 34;
const backslash = 92;

/** Answers of the readers beside a position. */
export const incomplete = -1;
export const malformed = -2;

/** Behind the blanks at `at`, at most `end`. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end && (bytes[next] === 32 || bytes[next] === 10 || bytes[next] === 13 || bytes[next] === 9)) next += 1;
  return next;
}

/** Where the closing quote of the string stands whose first character is at `at`. */
export function closingQuote(bytes: Uint8Array, at: number, end: number): number {
  for (let next = at; next < end; next += 1) {
    const byte = bytes[next]!;
    if (byte === quote) return next;
    if (byte === backslash) next += 1;
    else if (byte < 32) return malformed;
  }
  return incomplete;
}

/** Where the number or the word (`true`, `false`, `null`) that begins at `at` ends. */
export function endOfPlain(bytes: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end && isPlain(bytes[next]!)) next += 1;
  if (next === end) return next - at > longestPlain ? malformed : incomplete;
  if (next === at || next - at > longestPlain) return malformed;
  return isNumber(bytes, at, next) || isWord(bytes, at, next) ? next : malformed;
}

/** True when the string's bytes hold an escape. */
export function hasEscape(bytes: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index += 1) if (bytes[index] === backslash) return true;
  return false;
}

/** Writes the string without its escapes to `out`; answers where it ends there, or `malformed`. */
export function withoutEscapes(bytes: Buffer, from: number, to: number, out: number): number {
  let put = out;
  for (let at = from; at < to; at += 1) {
    if (bytes[at] !== backslash) {
      bytes[put++] = bytes[at]!;
      continue;
    }
    at += 1;
    const simple = at < to ? escapes.get(bytes[at]!) : undefined;
    if (simple !== undefined) {
      bytes[put++] = simple;
      continue;
    }
    const pair = unicode(bytes, at, to);
    if (pair === null) return malformed;
    put += bytes.write(pair.text, put);
    at += pair.length;
  }
  return put;
}

const longestPlain = 64;
/** What each letter behind a backslash stands for, but `u`. */
const escapes = new Map(
  [...'"\\/bfnrt'].map((letter, index) => [letter.charCodeAt(0), '"\\/\b\f\n\r\t'.charCodeAt(index)]),
);

/** The character of `u…` at `at`, and how many bytes follow its `u`; null when it is none, or half of one. */
function unicode(bytes: Buffer, at: number, to: number): { text: string; length: number } | null {
  const written = /^u([0-9a-fA-F]{4})(?:\\u([0-9a-fA-F]{4}))?/.exec(
    bytes.toString('latin1', at, Math.min(to, at + 11)),
  );
  if (!written) return null;
  const first = Number.parseInt(written[1]!, 16);
  if (first < 0xd800 || first > 0xdfff) return { text: String.fromCharCode(first), length: 4 };
  const second = written[2] === undefined ? 0 : Number.parseInt(written[2], 16);
  const whole = first < 0xdc00 && second >= 0xdc00 && second <= 0xdfff;
  return whole ? { text: String.fromCharCode(first, second), length: 10 } : null;
}

function isPlain(byte: number): boolean {
  // digits, letters, + - .
  return (
    (byte >= 48 && byte <= 57) ||
    (byte >= 97 && byte <= 122) ||
    byte === 69 ||
    byte === 43 ||
    byte === 45 ||
    byte === 46
  );
}

function isNumber(bytes: Uint8Array, from: number, to: number): boolean {
  let at = bytes[from] === 45 ? from + 1 : from;
  const whole = digitsFrom(bytes, at, to);
  if (whole === at || (bytes[at] === 48 && whole > at + 1)) return false;
  at = whole;
  if (bytes[at] === 46 && at < to) {
    const fraction = digitsFrom(bytes, at + 1, to);
    if (fraction === at + 1) return false;
    at = fraction;
  }
  if (at < to && (bytes[at] === 69 || bytes[at] === 101)) {
    at += bytes[at + 1] === 43 || bytes[at + 1] === 45 ? 2 : 1;
    const exponent = digitsFrom(bytes, at, to);
    if (exponent === at) return false;
    at = exponent;
  }
  return at === to;
}

function digitsFrom(bytes: Uint8Array, at: number, to: number): number {
  let next = at;
  while (next < to && bytes[next]! >= 48 && bytes[next]! <= 57) next += 1;
  return next;
}

const words = ['null', 'true', 'false'].map((word) => Buffer.from(word));

function isWord(bytes: Uint8Array, from: number, to: number): boolean {
  for (let which = 0; which < words.length; which += 1) {
    const word = words[which]!;
    if (word.length !== to - from || word[0] !== bytes[from]) continue;
    let same = 1;
    while (same < word.length && word[same] === bytes[from + same]) same += 1;
    return same === word.length;
  }
  return false;
}

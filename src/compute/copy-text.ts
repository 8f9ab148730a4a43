/**
 * A file of PostgreSQL COPY rows in text format, written field by field through one large buffer: no string and no object
 * per row. Fields are separated here; a row is `field… ; endRow()`. The file is created for its owner alone (it holds call
 * records) and not fsynced: it is a step's scratch, made again when lost. File system errors are thrown as they come.
 */
import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';

const bufferBytes = 1024 * 1024;
/** Longest row that need not be checked field by field; longer texts flush first. */
const rowReserve = 16 * 1024;
const hexDigits = Buffer.from('0123456789abcdef', 'latin1');
const tab = 9;
const newline = 10;
const backslash = 92;

export class CopyText {
  readonly #path: string;
  readonly #file: number;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #at = 0;
  #written = 0;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'w', 0o600);
  }

  /** Starts the file again from nothing. */
  reset(): void {
    this.#at = 0;
    this.#written = 0;
    ftruncateSync(this.#file, 0);
  }

  /** Digits, names, dates: anything of printable ASCII without a backslash. */
  plain(text: string): void {
    for (let index = 0; index < text.length; index += 1) this.#buffer[this.#at++] = text.charCodeAt(index);
    this.#buffer[this.#at++] = tab;
  }

  plainOrNull(text: string | null): void {
    if (text === null || text === '') this.null();
    else this.plain(text);
  }

  /** Any text, escaped. */
  text(text: string): void {
    const escaped = text.replace(/[\\\t\n\r]/g, escapeOf);
    const length = Buffer.byteLength(escaped);
    if (length > rowReserve / 2) throw new RangeError(`a field of ${length} bytes is too long for a spool row`);
    this.#buffer.write(escaped, this.#at);
    this.#at += length;
    this.#buffer[this.#at++] = tab;
  }

  textOrNull(text: string | null): void {
    if (text === null) this.null();
    else this.text(text);
  }

  /** Bytes that need no escape, such as digits. */
  bytes(from: Uint8Array, start: number, length: number): void {
    for (let index = start; index < start + length; index += 1) this.#buffer[this.#at++] = from[index]!;
    this.#buffer[this.#at++] = tab;
  }

  /** bytea as `\x…`, its backslash escaped. */
  hex(from: Uint8Array, start: number, length: number): void {
    this.#hexMark();
    for (let index = start; index < start + length; index += 1) {
      const byte = from[index]!;
      this.#buffer[this.#at++] = hexDigits[byte >> 4]!;
      this.#buffer[this.#at++] = hexDigits[byte & 15]!;
    }
    this.#buffer[this.#at++] = tab;
  }

  hexOrNull(digits: string | null): void {
    if (digits === null) {
      this.null();
    } else {
      this.#hexMark();
      this.plain(digits);
    }
  }

  null(): void {
    this.#buffer[this.#at++] = backslash;
    this.#buffer[this.#at++] = 78;
    this.#buffer[this.#at++] = tab;
  }

  boolean(value: boolean | null): void {
    if (value === null) {
      this.null();
    } else {
      this.#buffer[this.#at++] = value ? 116 : 102;
      this.#buffer[this.#at++] = tab;
    }
  }

  /** A safe integer. */
  integer(value: number): void {
    this.#digits(value);
    this.#buffer[this.#at++] = tab;
  }

  /** A signed 64-bit integer given as two 32-bit lanes. */
  int64(high: number, low: number): void {
    let h = high;
    let l = low >>> 0;
    if (h < 0) {
      this.#buffer[this.#at++] = 45;
      l = -l >>> 0;
      h = l === 0 ? -h : ~h;
      h >>>= 0;
    }
    // 2^32 = 4294 * 10^6 + 967296, so both halves stay below 2^53
    const tail = h * 967_296 + l;
    const head = h * 4294 + Math.floor(tail / 1_000_000);
    const rest = tail % 1_000_000;
    if (head > 0) {
      this.#digits(head);
      for (let power = 100_000; power > rest && power > 1; power /= 10) this.#buffer[this.#at++] = 48;
    }
    this.#digits(rest);
    this.#buffer[this.#at++] = tab;
  }

  /** One byte as it is, for instance inside a date that the caller composes; `endField` ends it. */
  raw(byte: number): void {
    this.#buffer[this.#at++] = byte;
  }

  endField(): void {
    this.#buffer[this.#at++] = tab;
  }

  /** Ends the row after its last field. */
  endRow(): void {
    this.#buffer[this.#at - 1] = newline;
    if (this.#at > bufferBytes - rowReserve) this.#flush();
  }

  close(): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    closeSync(this.#file);
  }

  /** Closes and removes the file. */
  remove(): void {
    if (!this.#closed) closeSync(this.#file);
    this.#closed = true;
    try {
      unlinkSync(this.#path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  #hexMark(): void {
    this.#buffer[this.#at++] = backslash;
    this.#buffer[this.#at++] = backslash;
    this.#buffer[this.#at++] = 120;
  }

  #digits(value: number): void {
    let rest = value;
    if (rest < 0) {
      this.#buffer[this.#at++] = 45;
      rest = -rest;
    }
    let length = 1;
    for (let power = 10; power <= rest; power *= 10) length += 1;
    this.#at += length;
    let at = this.#at;
    while (rest > 0x3fffffff) {
      const quotient = Math.floor(rest / 10);
      this.#buffer[--at] = 48 + (rest - quotient * 10);
      rest = quotient;
    }
    let small = rest | 0;
    while (at > this.#at - length) {
      const quotient = (small / 10) | 0;
      this.#buffer[--at] = 48 + (small - quotient * 10);
      small = quotient;
    }
  }

  #flush(): void {
    for (let from = 0; from < this.#at; ) {
      from += writeSync(this.#file, this.#buffer, from, this.#at - from, this.#written + from);
    }
    this.#written += this.#at;
    this.#at = 0;
  }
}

function escapeOf(character: string): string {
  return character === '\\' ? '\\\\' : character === '\t' ? '\\t' : character === '\n' ? '\\n' : '\\r';
}

/**
 * One row of CSV by RFC 4180, cut into its columns where it stands: LF or CRLF, quoted columns with delimiters, line ends and
 * doubled quotes in them. Nothing is guessed: a quote where none may be, a control character or a bare CR is told as a fault.
 *
 * A quote that is never closed would swallow the rows after it. A row that is malformed so, or longer than `longestRow`, ends
 * at its first line end instead, and reading goes on behind that. What a row is does not depend on how much of the file is at
 * hand: the decoder of the imports and the kernel (kernel/csv/csv-slow.ts) read the same rows, in chunks and from anywhere.
 */
const quote = 34;
const lf = 10;
const cr = 13;
const tab = 9;

const ordinary = 0;
const special = 1;

/** Without an end in this many bytes it is no row. */
export const longestRow = 64 * 1024;
const mostColumns = 1024;

export type RowFault = 'bad-quotes' | 'control-character' | 'too-many-columns' | 'row-too-long';

export class CsvRow {
  /** Where column i stands, unquoted. */
  readonly from = new Int32Array(mostColumns);
  readonly to = new Int32Array(mostColumns);
  columns = 0;
  /** Where the row ends, without its line end. */
  end = 0;
  /** Lines that it takes, at least 1. */
  lines = 1;
  /** It holds bytes above 0x7e. */
  high = false;
  fault: RowFault | null = null;
  readonly #delimiter: number;
  readonly #classes = new Uint8Array(256);
  /** Columns with doubled quotes are written here without them. */
  #scratch = 0;

  constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0);
    for (let byte = 0; byte < 256; byte += 1) {
      const plain = byte >= 32 && byte < 0x7f && byte !== quote && byte !== this.#delimiter;
      this.#classes[byte] = plain ? ordinary : special;
    }
  }

  /**
   * Reads the row at `at`. Answers where the next one begins; -1 when the row does not end before `end` and more may come
   * (`last` is false). `bytes` must have one byte more than `end`, and from `scratch` on as many as a row may be long; below 0:
   * quotes stay doubled. A row `row-too-long` whose answer is not behind a line end has no line end within `longestRow`.
   */
  read(bytes: Uint8Array, at: number, end: number, last: boolean, scratch: number): number {
    this.columns = 0;
    this.lines = 1;
    this.high = false;
    this.fault = null;
    this.#scratch = scratch;
    const kept = bytes[end]!;
    // what stops the loops below at the end
    bytes[end] = lf;
    const next = this.#columns(bytes, at, end, last);
    bytes[end] = kept;
    if ((next < 0 ? end : next) - at > longestRow) {
      return this.#firstLine(bytes, at, Math.min(end, at + longestRow), 'row-too-long');
    }
    if (next < 0) return last ? this.#firstLine(bytes, at, end, 'bad-quotes') : -1;
    if (this.fault === 'bad-quotes' && this.lines > 1) return this.#firstLine(bytes, at, end, 'bad-quotes');
    return next;
  }

  #columns(bytes: Uint8Array, first: number, end: number, last: boolean): number {
    const classes = this.#classes;
    let at = first;
    for (;;) {
      const column = this.columns;
      if (column === mostColumns) {
        this.fault = 'too-many-columns';
        this.columns = 0;
      }
      if (bytes[at] === quote && at < end) {
        at = this.#quoted(bytes, at, end);
        if (at < 0) return -1;
      } else {
        const from = at;
        while (classes[bytes[at]!] === ordinary) at += 1;
        if (bytes[at] !== this.#delimiter && bytes[at] !== lf) at = this.#unusual(bytes, at);
        this.#put(from, at);
      }
      if (bytes[at] === this.#delimiter) {
        at += 1;
        continue;
      }
      if (at >= end && !last) return -1;
      this.end = at;
      if (bytes[at - 1] === cr && at > first) {
        this.end = at - 1;
        if (this.to[this.columns - 1] === at) this.to[this.columns - 1] = at - 1;
      }
      return at + 1;
    }
  }

  /** Goes on in a column without quotes to its end, noting what is wrong with it. */
  #unusual(bytes: Uint8Array, from: number): number {
    let at = from;
    for (;;) {
      const byte = bytes[at]!;
      if (byte === this.#delimiter || byte === lf) return at;
      if (byte >= 0x7f) this.high = true;
      else if (byte === quote) this.fault = 'bad-quotes';
      else if (byte < 32 && !(byte === cr && bytes[at + 1] === lf)) this.fault ??= 'control-character';
      at += 1;
    }
  }

  /** Answers where the delimiter or the line end after it stands; -1 when the quote is not closed before `end`. */
  #quoted(bytes: Uint8Array, quoteAt: number, end: number): number {
    const from = quoteAt + 1;
    let at = from;
    let doubled = 0;
    for (;;) {
      while (this.#classes[bytes[at]!] === ordinary) at += 1;
      if (at >= end) return -1;
      const byte = bytes[at]!;
      if (byte === quote) {
        if (bytes[at + 1] !== quote || at + 1 >= end) break;
        doubled += 1;
        at += 1;
      } else if (byte === lf) this.lines += 1;
      else if (byte >= 0x7f) this.high = true;
      else if (byte < 32 && byte !== cr && byte !== tab) this.fault ??= 'control-character';
      at += 1;
    }
    if (doubled === 0 || this.#scratch < 0) this.#put(from, at);
    else this.#undouble(bytes, from, at);
    at += 1;
    const byte = bytes[at]!;
    if (byte === this.#delimiter || byte === lf || (byte === cr && bytes[at + 1] === lf))
      return byte === cr ? at + 1 : at;
    if (at >= end) return at;
    this.fault = 'bad-quotes';
    return this.#unusual(bytes, at);
  }

  #undouble(bytes: Uint8Array, from: number, to: number): void {
    const start = this.#scratch;
    let out = start;
    for (let index = from; index < to; index += 1) {
      bytes[out++] = bytes[index]!;
      if (bytes[index] === quote) index += 1;
    }
    this.#scratch = out;
    this.#put(start, out);
  }

  #put(from: number, to: number): void {
    this.from[this.columns] = from;
    this.to[this.columns] = to;
    this.columns += 1;
  }

  /** The row is given up at its first line end. */
  #firstLine(bytes: Uint8Array, at: number, end: number, fault: RowFault): number {
    let stop = at;
    while (stop < end && bytes[stop] !== lf) stop += 1;
    this.fault = fault;
    this.columns = 0;
    this.lines = 1;
    this.end = stop;
    return stop < end ? stop + 1 : end;
  }
}

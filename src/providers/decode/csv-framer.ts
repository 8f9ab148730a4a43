/**
 * Rows of CSV, given on as they come, in chunks of any size. The first row names the columns. A row that is no row, has another
 * number of columns, a control character or an invalid byte is a line error. The last row must end with a line end: without
 * one the file may be cut off. Refusals are thrown as `FileRefused`.
 */
import { crc32 } from 'node:zlib';
import type { FileSpec } from '../spec/files.ts';
import { ContentHash } from './content-hash.ts';
import { type CsvColumns, mapColumns } from './csv-columns.ts';
import { CsvRow, longestRow, type RowFault } from './csv-row.ts';
import { isText, notText, textOf } from './encoding.ts';
import type { Framed, Framer } from './framer.ts';
import { type ExpectedFile, noHeader } from './header.ts';
import { type Layout, type Slots, typeOf } from './layout.ts';
import { fault, type LineFault } from './line-fault.ts';
import type { RecordIntake } from './record-intake.ts';
import { refused } from './refusal.ts';
import { readTrailer, type Trailer } from './trailer.ts';
import { WorkBuffer } from './work-buffer.ts';

const chunkBytes = 256 * 1024;
const lf = 10;

const faults: Readonly<Record<RowFault, LineFault>> = {
  'bad-quotes': fault('bad-quotes', null, 'has a quote where none may be, or one that is not closed'),
  'control-character': fault('control-character', null, 'has a control character'),
  'too-many-columns': fault('bad-column-count', null, 'has more columns than any file'),
  'row-too-long': fault('row-too-long', null, `does not end within ${longestRow} bytes`),
};

export class CsvFramer implements Framer {
  readonly #layout: Layout;
  readonly #spec: FileSpec;
  readonly #expected: ExpectedFile;
  readonly #intake: RecordIntake;
  readonly #slots: Slots;
  readonly #row: CsvRow;
  readonly #ignored: readonly string[];
  readonly #hash = new ContentHash();
  /** Behind what was read stands room for one row without its doubled quotes. */
  readonly #buffer = new WorkBuffer(chunkBytes + longestRow, 1 + longestRow);
  readonly #work = this.#buffer.bytes;
  readonly #trailerWhen: string | null;
  readonly #raw = { from: 0, to: 0, line: 0, offset: 0 };
  /** Lines before the row at hand, which begins on the next. */
  #line = 0;
  #crc = 0;
  #columns: CsvColumns | null = null;
  #trailer: Trailer | null = null;

  constructor(layout: Layout, slots: Slots, expected: ExpectedFile, intake: RecordIntake) {
    const { files } = layout.spec;
    if (files.framing.kind !== 'csv') throw new TypeError(`${files.framing.kind} is no CSV`);
    this.#layout = layout;
    this.#spec = files;
    this.#expected = expected;
    this.#intake = intake;
    this.#slots = slots;
    slots.bytes = this.#work;
    this.#row = new CsvRow(files.framing.delimiter);
    this.#ignored = files.framing.ignore;
    this.#trailerWhen = files.trailer?.when ?? null;
  }

  push(chunk: Uint8Array): void {
    this.#crc = crc32(chunk, this.#crc);
    this.#buffer.push(chunk, () => this.#consume(false));
  }

  end(): Framed {
    const { name } = this.#expected;
    if (this.#buffer.filled > 0 && this.#work[this.#buffer.filled - 1] !== lf) {
      throw refused(name, 'truncated', `ends in the middle of line ${this.#line + 1}`);
    }
    this.#buffer.drop(this.#consume(true));
    if (this.#columns === null) throw refused(name, 'empty-file', 'is empty: not even its columns are named');
    if (this.#trailerWhen !== null && !this.#trailer) {
      throw refused(name, 'missing-trailer', `ends at line ${this.#line} without a trailer ${this.#trailerWhen}`);
    }
    const { notices } = this.#columns;
    return { header: noHeader, trailer: this.#trailer, crc: this.#crc, lines: this.#line, notices };
  }

  /** Answers how many bytes are done with. */
  #consume(last: boolean): number {
    const work = this.#work;
    const end = this.#buffer.filled;
    const scratch = chunkBytes + longestRow + 1;
    let at = 0;
    if (this.#buffer.before === 0) {
      if (end < 3 && !last) return 0;
      if (work[0] === 0xef && work[1] === 0xbb && work[2] === 0xbf) at = 3;
    }
    while (at < end) {
      const next = this.#row.read(work, at, end, last, scratch);
      if (next < 0) break;
      if (this.#row.fault === 'row-too-long' && work[next - 1] !== lf) {
        throw refused(this.#expected.name, 'line-too-long', `has no line end within ${longestRow} bytes`);
      }
      this.#take(at);
      this.#line += this.#row.lines;
      at = next;
    }
    return at;
  }

  #take(at: number): void {
    const row = this.#row;
    if (row.end === at && row.fault === null) return;
    if (this.#trailer) throw refused(this.#expected.name, 'after-trailer', 'goes on after its trailer');
    if (this.#columns === null) {
      this.#columns = this.#header(at);
      return;
    }
    if (this.#trailerWhen !== null && row.fault === null && this.#text(0) === this.#trailerWhen) {
      this.#trailer = this.#readTrailer(this.#columns);
      return;
    }
    const raw = this.#raw;
    raw.from = at;
    raw.to = row.end;
    raw.line = this.#line + 1;
    raw.offset = this.#buffer.before + at;
    if (row.fault !== null) {
      this.#intake.misframed(raw, faults[row.fault]);
      return;
    }
    if (row.columns !== this.#columns.names.length) {
      const what = `has ${row.columns} columns, not ${this.#columns.names.length}`;
      this.#intake.misframed(raw, fault('bad-column-count', null, what));
      return;
    }
    this.#record(this.#columns.ofSlot);
  }

  #record(ofSlot: Int32Array): void {
    const { from, to } = this.#slots;
    const row = this.#row;
    for (let slot = 0; slot < ofSlot.length; slot += 1) {
      const column = ofSlot[slot]!;
      from[slot] = column < 0 ? 0 : row.from[column]!;
      to[slot] = column < 0 ? 0 : row.to[column]!;
    }
    this.#hash.values(this.#slots);
    const { record } = this.#intake;
    record.hashHigh = this.#hash.high;
    record.hashLow = this.#hash.low;
    const { encoding } = this.#layout;
    const text = !row.high || isText(this.#work, this.#raw.from, this.#raw.to, encoding);
    this.#intake.take(typeOf(this.#layout, this.#slots), this.#raw, text ? null : notText(null, encoding));
  }

  #header(at: number): CsvColumns {
    const row = this.#row;
    const { name } = this.#expected;
    if (row.fault !== null)
      throw refused(name, 'bad-header', `has no row of column names: it ${faults[row.fault].what}`);
    if (row.high && !isText(this.#work, at, row.end, this.#layout.encoding)) {
      throw refused(name, 'bad-header', `has a row of column names that ${notText(null, this.#layout.encoding).what}`);
    }
    const names = Array.from({ length: row.columns }, (_, column) => this.#text(column));
    return mapColumns(this.#layout, names, this.#ignored, name);
  }

  #readTrailer(columns: CsvColumns): Trailer {
    const { trailer } = this.#spec;
    return readTrailer(trailer!, this.#line + 1, this.#expected.name, ({ from }) => {
      const column = columns.names.indexOf(String(from));
      return column < 0 || column >= this.#row.columns ? '' : this.#text(column);
    });
  }

  #text(column: number): string {
    const bytes = this.#work.subarray(this.#row.from[column], this.#row.to[column]);
    return textOf(bytes, this.#layout.encoding).trim();
  }
}

/**
 * The decoder of one SP16X file: bytes in, in chunks of any size; records out, one by one, to a sink. It checks the framing
 * and every line as it goes and the trailer (count, sum, crc32) at the end; nothing that the sink took is usable before
 * `end` returned. Refusals are thrown as `FileRefused`.
 *
 * Line errors go to quarantine while they are few (layout.ts); then the file is refused. Duplicate record ids: equal lines
 * count once; of differing ones the last in the file wins, so `end` answers which earlier lines lost, and the caller makes a
 * second pass that skips them. Memory: one chunk, plus 40 to 80 bytes a record for the ids.
 */
import { crc32 } from 'node:zlib';
import type { LineProblem } from '../../../compute/tasks/messages.ts';
import { ExactSum } from '../../../telecom/exact-sum.ts';
import { lineErrorLimits, lineLength, recordLayout } from '../layout.ts';
import { checkName, type ExpectedFile, readHeader, type Sp16Header } from './header.ts';
import { LineDecoder, type LineDecoderOptions, type LineFault } from './line.ts';
import type { RecordSink } from './record.ts';
import { FileRefused, lineProblem, refused } from './refusal.ts';
import { SeenRecords } from './seen-records.ts';
import { checkTrailer, readTrailer, type Sp16Trailer } from './trailer.ts';

export interface FileDecoderOptions extends ExpectedFile, LineDecoderOptions {
  /** Lines that a first pass found replaced by a later one of the same id. */
  readonly skipLines: ReadonlySet<number>;
  /** A guess; a good one spares the table of ids its growing. */
  readonly expectedRecords: number;
}

export interface DecodedFile {
  readonly header: Sp16Header;
  readonly trailer: Sp16Trailer;
  readonly records: number;
  readonly rows: number;
  readonly duplicates: number;
  readonly quarantined: readonly LineProblem[];
  readonly unknownCallCodes: readonly string[];
  readonly bytes: number;
  /** Not empty: the pass must be repeated without these lines. */
  readonly replacedLines: ReadonlySet<number>;
}

const frame = lineLength + 2;
const workBytes = 320 * 1024;
/** Without a line end in this many bytes it is no text file. */
const longestLine = 64 * 1024;
/** A table of 200 MB; the rest is grown when the records are really there. */
const mostExpected = 4_000_000;
const idAt = recordLayout.id.from - 1;

export class FileDecoder {
  readonly #options: FileDecoderOptions;
  readonly #sink: RecordSink;
  readonly #lines: LineDecoder;
  readonly #seen: SeenRecords;
  readonly #work = Buffer.allocUnsafeSlow(workBytes);
  #filled = 0;
  #header: Sp16Header | null = null;
  #trailer: Sp16Trailer | null = null;
  #line = 0;
  #rows = 0;
  #duplicates = 0;
  #bytes = 0;
  #crc = 0;
  readonly #sum = new ExactSum();
  #sumKnown = true;
  readonly #quarantined: LineProblem[] = [];
  readonly #replaced = new Set<number>();

  /** Throws `FileRefused` when the name is not one of the account's. */
  constructor(options: FileDecoderOptions, sink: RecordSink) {
    checkName(options);
    this.#options = options;
    this.#sink = sink;
    this.#lines = new LineDecoder(options);
    this.#seen = new SeenRecords(Math.min(options.expectedRecords, mostExpected));
  }

  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + workBytes - this.#filled);
      this.#work.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      this.#consume();
    }
  }

  /** Checks the whole against the trailer. */
  end(): DecodedFile {
    const { name } = this.#options;
    if (this.#filled > 0) throw refused(name, 'truncated', `ends in the middle of line ${this.#line + 1}`);
    if (!this.#header) throw refused(name, 'empty-file', 'is empty');
    if (!this.#trailer) throw refused(name, 'missing-trailer', `ends at line ${this.#line} without a trailer 99`);
    const records = this.#line - 2;
    const sum = this.#sumKnown ? this.#sum.value : null;
    checkTrailer(this.#trailer, { records, sum, crc: this.#crc }, name);
    if (this.#quarantined.length > records * lineErrorLimits.share) throw this.#tooManyErrors(records);
    return {
      header: this.#header,
      trailer: this.#trailer,
      records,
      rows: this.#rows,
      duplicates: this.#duplicates + this.#options.skipLines.size,
      quarantined: this.#quarantined,
      unknownCallCodes: this.#lines.unknownCallCodes,
      bytes: this.#bytes,
      replacedLines: this.#replaced,
    };
  }

  #consume(): void {
    const work = this.#work;
    const end = this.#filled;
    let at = this.#line === 0 ? this.#skipByteOrderMark() : 0;
    let crcFrom = at;
    while (at < end) {
      if (this.#trailer) throw refused(this.#options.name, 'after-trailer', 'goes on after its trailer');
      let length = lineLength;
      let next = at + frame;
      if (next > end || work[next - 2] !== 13 || work[next - 1] !== 10) {
        next = work.indexOf(10, at) + 1;
        if (next === 0 || next > end) {
          if (end - at > longestLine)
            throw refused(this.#options.name, 'line-too-long', `has no line end within ${longestLine} bytes`);
          break;
        }
        length = next - 1 - at - (next > at + 1 && work[next - 2] === 13 ? 1 : 0);
      }
      this.#line += 1;
      const trailer = this.#line > 1 && work[at] === 57 && work[at + 1] === 57;
      if (trailer) {
        this.#crc = crc32(work.subarray(crcFrom, at), this.#crc);
        crcFrom = next;
      }
      at = this.#take(at, length, next, trailer);
    }
    this.#crc = crc32(work.subarray(crcFrom, at), this.#crc);
    work.copyWithin(0, at, end);
    this.#filled = end - at;
  }

  /** Answers where the next line begins. */
  #take(at: number, length: number, next: number, trailer: boolean): number {
    const framed = next - at === frame && length === lineLength;
    if (this.#line === 1) {
      if (!framed) throw refused(this.#options.name, 'bad-header', notFramed(length));
      this.#header = readHeader(this.#work, at, this.#options);
    } else if (trailer) {
      if (!framed) throw refused(this.#options.name, 'bad-trailer', notFramed(length));
      this.#trailer = readTrailer(this.#work, at, this.#line, this.#options.name);
    } else if (framed) {
      return this.#record(at);
    } else {
      this.#misframed(at, length);
    }
    return next;
  }

  #record(at: number): number {
    const fault = this.#lines.decode(this.#work, at, this.#line);
    const record = this.#lines.record;
    if (fault?.code === 'control-character') {
      // short lines can add up to one that ends in the right place
      const next = this.#work.indexOf(10, at) + 1;
      if (next < at + frame) {
        this.#misframed(at, next - 1 - at);
        return next;
      }
    }
    const next = at + frame;
    if (Number.isNaN(record.amountUnits)) this.#sumKnown = false;
    else this.#sum.add(record.amountUnits);
    if (fault) {
      this.#quarantine(fault, at, lineLength);
      return next;
    }
    if (this.#options.skipLines.has(this.#line)) return next;
    const sighting = this.#seen.note(this.#work, at + idAt, record.hashHigh, record.hashLow, this.#line);
    if (sighting === 'same') {
      this.#duplicates += 1;
      return next;
    }
    if (sighting === 'conflict') this.#replaced.add(this.#seen.earlierLine);
    this.#rows += 1;
    this.#sink.record(record);
    return next;
  }

  #misframed(at: number, length: number): void {
    this.#sumKnown = false;
    this.#quarantine({ code: 'bad-line-length', field: null, what: notFramed(length) }, at, length);
  }

  #quarantine(fault: LineFault, at: number, length: number): void {
    const problem = lineProblem(this.#options.name, this.#line, fault, this.#work.subarray(at, at + length));
    this.#quarantined.push(problem);
    if (this.#quarantined.length >= lineErrorLimits.below) throw this.#tooManyErrors(null);
  }

  /** `records` is null while the file has not been read to its end. */
  #tooManyErrors(records: number | null): FileRefused {
    const first = this.#quarantined[0]!;
    const of = records === null ? `in the first ${this.#line} lines` : `of ${records}`;
    const limit = `at most ${lineErrorLimits.share * 100} % and fewer than ${lineErrorLimits.below} may be quarantined`;
    const message = `${this.#options.name}: ${this.#quarantined.length} bad lines ${of} (${limit}); first: ${first.message}`;
    return new FileRefused({ ...first, code: 'too-many-line-errors', message });
  }

  #skipByteOrderMark(): number {
    const work = this.#work;
    return this.#filled >= 3 && work[0] === 0xef && work[1] === 0xbb && work[2] === 0xbf ? 3 : 0;
  }
}

function notFramed(length: number): string {
  return `is ${length} bytes and its line end, not ${lineLength} bytes and CRLF`;
}

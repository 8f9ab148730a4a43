/**
 * Lines of a fixed width: cut, checked and given on as they come, in chunks of any size. A header line comes first when the
 * layout has one, a trailer last. Lines of another length or line end are line errors and never lose step. Refusals are
 * thrown as `FileRefused`.
 */
import { crc32 } from 'node:zlib';
import type { FileSpec, TrailerField } from '../spec/files.ts';
import { ContentHash } from './content-hash.ts';
import { isBlank } from './digits.ts';
import { isLetter, isText, notText } from './encoding.ts';
import type { FieldPlan, TypePlan } from './field-plan.ts';
import type { Framed, Framer } from './framer.ts';
import { type ExpectedFile, type HeaderFacts, noHeader, readHeader } from './header.ts';
import { type Layout, type Slots, typeOf } from './layout.ts';
import { fault, type LineFault } from './line-fault.ts';
import type { RecordIntake } from './record-intake.ts';
import { refused } from './refusal.ts';
import { readTrailer, type Trailer } from './trailer.ts';
import { WorkBuffer } from './work-buffer.ts';

const workBytes = 320 * 1024;
/** Without a line end in this many bytes it is no text file. */
const longestLine = 64 * 1024;
const lf = 10;
const cr = 13;

export class FixedFramer implements Framer {
  readonly #layout: Layout;
  readonly #spec: FileSpec;
  readonly #expected: ExpectedFile;
  readonly #intake: RecordIntake;
  readonly #slots: Slots;
  readonly #hash = new ContentHash();
  readonly #buffer: WorkBuffer;
  readonly #work: Buffer;
  readonly #view: DataView;
  readonly #length: number;
  readonly #ends: number;
  /** Where text may stand, in whole words of four bytes. */
  readonly #textFrom: number;
  readonly #textTo: number;
  readonly #trailerWhen: Buffer | null;
  readonly #raw = { from: 0, to: 0, line: 0, offset: 0 };
  #line = 0;
  #crc = 0;
  #header: HeaderFacts = noHeader;
  #trailer: Trailer | null = null;

  constructor(layout: Layout, slots: Slots, expected: ExpectedFile, intake: RecordIntake) {
    const { files } = layout.spec;
    if (files.framing.kind !== 'fixed') throw new TypeError(`${files.framing.kind} is no fixed width`);
    this.#layout = layout;
    this.#spec = files;
    this.#expected = expected;
    this.#intake = intake;
    this.#slots = slots;
    this.#length = files.framing.lineLength;
    this.#ends = files.framing.lineEnd === 'crlf' ? 2 : 1;
    this.#buffer = new WorkBuffer(Math.max(workBytes, this.#length * 4));
    this.#work = this.#buffer.bytes;
    this.#view = new DataView(this.#work.buffer, this.#work.byteOffset, this.#work.length);
    slots.bytes = this.#work;
    for (const [slot, place] of layout.places.entries()) {
      slots.from[slot] = Number(place[0]) - 1;
      slots.to[slot] = Number(place[1]);
    }
    intake.expectFixedWidth();
    const texts = layout.types.flatMap((type) => type.texts);
    this.#textFrom = Math.min(this.#length & ~3, ...texts.map((field) => field.at & ~3));
    this.#textTo = Math.max(this.#textFrom, ...texts.map((field) => Math.min(this.#length & ~3, (field.end + 3) & ~3)));
    this.#trailerWhen = files.trailer ? Buffer.from(files.trailer.when, 'latin1') : null;
  }

  push(chunk: Uint8Array): void {
    this.#buffer.push(chunk, () => this.#consume());
  }

  end(): Framed {
    const { name } = this.#expected;
    if (this.#buffer.filled > 0) throw refused(name, 'truncated', `ends in the middle of line ${this.#line + 1}`);
    if (this.#line === 0 && this.#spec.header) throw refused(name, 'empty-file', 'is empty');
    if (this.#spec.trailer && !this.#trailer) {
      throw refused(name, 'missing-trailer', `ends at line ${this.#line} without a trailer ${this.#spec.trailer.when}`);
    }
    return { header: this.#header, trailer: this.#trailer, crc: this.#crc, lines: this.#line, notices: [] };
  }

  /** Answers how many bytes are done with. */
  #consume(): number {
    const work = this.#work;
    const end = this.#buffer.filled;
    const frame = this.#length + this.#ends;
    let at = this.#line === 0 && this.#buffer.before === 0 ? this.#skipByteOrderMark() : 0;
    let crcFrom = at;
    while (at < end) {
      if (this.#trailer) throw refused(this.#expected.name, 'after-trailer', 'goes on after its trailer');
      let length = this.#length;
      let next = at + frame;
      if (next > end || work[next - 1] !== lf || (this.#ends === 2 && work[next - 2] !== cr)) {
        next = work.indexOf(lf, at) + 1;
        if (next === 0 || next > end) {
          if (end - at > longestLine)
            throw refused(this.#expected.name, 'line-too-long', `has no line end within ${longestLine} bytes`);
          break;
        }
        length = next - 1 - at - (next > at + 1 && work[next - 2] === cr ? 1 : 0);
      }
      this.#line += 1;
      const trailer = this.#trailerWhen !== null && this.#line > 1 && this.#begins(at, this.#trailerWhen);
      if (trailer) {
        this.#crc = crc32(work.subarray(crcFrom, at), this.#crc);
        crcFrom = next;
      }
      at = this.#take(at, length, next, trailer);
    }
    this.#crc = crc32(work.subarray(crcFrom, at), this.#crc);
    return at;
  }

  /** Answers where the next line begins. */
  #take(at: number, length: number, next: number, trailer: boolean): number {
    const framed = next - at === this.#length + this.#ends && length === this.#length;
    if (this.#line === 1 && this.#spec.header) {
      if (!framed) throw refused(this.#expected.name, 'bad-header', this.#notFramed(length));
      this.#header = readHeader(this.#work, at, this.#spec, this.#expected);
    } else if (trailer) {
      if (!framed) throw refused(this.#expected.name, 'bad-trailer', this.#notFramed(length));
      this.#trailer = this.#readTrailer(at);
    } else if (framed) {
      return this.#record(at);
    } else {
      this.#misframed(at, length);
    }
    return next;
  }

  #record(at: number): number {
    const frame = this.#length + this.#ends;
    const hash = this.#hash;
    hash.line(this.#view, at, this.#length & ~3, this.#textFrom, this.#textTo);
    if (hash.hasControl) {
      // short lines can add up to one that ends in the right place
      const next = this.#work.indexOf(lf, at) + 1;
      if (next < at + frame) {
        this.#misframed(at, next - 1 - at);
        return next;
      }
    }
    this.#slots.base = at;
    const layout = this.#layout;
    const type = typeOf(layout, this.#slots);
    const { record } = this.#intake;
    record.hashHigh = hash.high;
    record.hashLow = hash.low;
    this.#intake.take(type, this.#rawOf(at, this.#length), this.#textFault(type, at));
    return at + frame;
  }

  #textFault(type: TypePlan | null, at: number): LineFault | null {
    const hash = this.#hash;
    if (hash.hasControl) return fault('control-character', null, 'has a control character');
    if (!hash.highByteOutside && !hash.highByteInText) return null;
    const { encoding } = this.#layout;
    if (hash.highByteOutside) return notText(type?.texts[0] ?? null, encoding);
    if (type === null) {
      return isText(this.#work, at + this.#textFrom, at + this.#textTo, encoding) ? null : notText(null, encoding);
    }
    for (let word = this.#textFrom; word < this.#textTo; word += 4) {
      if ((this.#view.getInt32(at + word, true) & 0x80808080) === 0) continue;
      for (let index = word; index < word + 4; index += 1) {
        if (this.#work[at + index]! < 0x80) continue;
        const field = textAt(type.texts, index);
        if (field === null) return notText(type.texts[0] ?? null, encoding);
        if (!this.#isLetter(at, index, field)) return notText(field, encoding);
      }
    }
    return null;
  }

  /** True when the byte above 0x7f at `index` of the line may stand in this field. */
  #isLetter(at: number, index: number, field: FieldPlan): boolean {
    const { encoding } = this.#layout;
    if (encoding === 'utf-8') return isText(this.#work, at + field.at, at + field.end, encoding);
    return isLetter(this.#work, at + index, at + field.end, encoding);
  }

  #readTrailer(at: number): Trailer {
    const spec = this.#spec.trailer!;
    const end = Math.max(spec.when.length, ...spec.fields.map(({ from }) => Number(from[1])));
    const textOf = ({ from }: TrailerField) =>
      this.#work.toString('latin1', at + Number(from[0]) - 1, at + Number(from[1]));
    const trailer = readTrailer(spec, this.#line, this.#expected.name, textOf);
    if (isBlank(this.#work, at + end, this.#length - end)) return trailer;
    throw refused(this.#expected.name, 'bad-trailer', 'has something else than blanks after its last field');
  }

  #misframed(at: number, length: number): void {
    this.#intake.misframed(this.#rawOf(at, length), fault('bad-line-length', null, this.#notFramed(length)));
  }

  #rawOf(at: number, length: number): { from: number; to: number; line: number; offset: number } {
    const raw = this.#raw;
    raw.from = at;
    raw.to = at + length;
    raw.line = this.#line;
    raw.offset = this.#buffer.before + at;
    return raw;
  }

  #begins(at: number, text: Buffer): boolean {
    for (let index = 0; index < text.length; index += 1) if (this.#work[at + index] !== text[index]) return false;
    return true;
  }

  #skipByteOrderMark(): number {
    const work = this.#work;
    return this.#buffer.filled >= 3 && work[0] === 0xef && work[1] === 0xbb && work[2] === 0xbf ? 3 : 0;
  }

  #notFramed(length: number): string {
    const ends = this.#ends === 2 ? 'CRLF' : 'LF';
    return `is ${length} bytes and its line end, not ${this.#length} bytes and ${ends}`;
  }
}

function textAt(texts: readonly FieldPlan[], index: number): FieldPlan | null {
  for (let each = 0; each < texts.length; each += 1) {
    const text = texts[each]!;
    if (index >= text.at && index < text.end) return text;
  }
  return null;
}

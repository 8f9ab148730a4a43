/**
 * Records of JSON, given on as they come, in chunks of any size: the items of an array somewhere in one object (a page), or an
 * object on every line. Nothing is built; at most one item is in memory. A page that is not well-formed to its last byte is
 * refused, so a cut one yields nothing; a line that is not is a line error. `FileRefused` is thrown.
 */
import { crc32 } from 'node:zlib';
import { ContentHash } from './content-hash.ts';
import { isText, notText } from './encoding.ts';
import type { Framed, Framer } from './framer.ts';
import { type ExpectedFile, noHeader } from './header.ts';
import { type ItemFault, JsonItem } from './json-item.ts';
import { JsonPage } from './json-page.ts';
import { incomplete, malformed, skipSpace } from './json-text.ts';
import { type Layout, type Slots, typeOf } from './layout.ts';
import { fault, type LineFault } from './line-fault.ts';
import type { RecordIntake } from './record-intake.ts';
import { refused } from './refusal.ts';
import { WorkBuffer } from './work-buffer.ts';

const chunkBytes = 256 * 1024;
/** An item, or anything beside the items, that is longer is none. */
const longestValue = 256 * 1024;
const lf = 10;

const faults: Readonly<Record<ItemFault, LineFault>> = {
  'name-twice': fault('name-twice', null, 'has two values of one name'),
  'not-a-value': fault('not-a-value', null, 'has an object or an array where a value should be'),
  'control-character': fault('control-character', null, 'has a control character'),
};
const notJson = fault('bad-json', null, 'is no JSON');

export class JsonFramer implements Framer {
  readonly #layout: Layout;
  readonly #expected: ExpectedFile;
  readonly #intake: RecordIntake;
  readonly #slots: Slots;
  readonly #hash = new ContentHash();
  /** Behind what was read stands room for one item without its escapes. */
  readonly #buffer = new WorkBuffer(chunkBytes + longestValue, longestValue);
  readonly #work = this.#buffer.bytes;
  readonly #item: JsonItem;
  /** Null when there is an object on every line. */
  readonly #page: JsonPage | null;
  readonly #raw = { from: 0, to: 0, line: 0, offset: 0 };
  #items = 0;
  #crc = 0;

  constructor(layout: Layout, slots: Slots, expected: ExpectedFile, intake: RecordIntake) {
    const { framing } = layout.spec.files;
    if (framing.kind !== 'json') throw new TypeError(`${framing.kind} is no JSON`);
    this.#layout = layout;
    this.#expected = expected;
    this.#intake = intake;
    this.#slots = slots;
    slots.bytes = this.#work;
    this.#item = new JsonItem(slots, layout.places.map(String));
    this.#page = framing.items === null ? null : new JsonPage(framing.items.split('.'), this.#item);
  }

  push(chunk: Uint8Array): void {
    this.#crc = crc32(chunk, this.#crc);
    this.#buffer.push(chunk, () => this.#consume());
  }

  end(): Framed {
    const { name } = this.#expected;
    if (this.#buffer.filled > 0)
      throw refused(name, 'truncated', `ends in the middle of ${this.#page ? 'its object' : 'a line'}`);
    if (this.#page && !this.#page.ended) {
      throw refused(name, this.#buffer.before === 0 ? 'empty-file' : 'truncated', 'ends before its object does');
    }
    return { header: noHeader, trailer: null, crc: this.#crc, lines: this.#items, notices: [] };
  }

  /** Answers how many bytes are done with. */
  #consume(): number {
    const work = this.#work;
    const end = this.#buffer.filled;
    let at = 0;
    if (this.#buffer.before === 0) {
      if (end < 3) return 0;
      if (work[0] === 0xef && work[1] === 0xbb && work[2] === 0xbf) at = 3;
    }
    return this.#page ? this.#pageItems(this.#page, at, end) : this.#lines(at, end);
  }

  #pageItems(page: JsonPage, from: number, end: number): number {
    let at = from;
    for (;;) {
      const next = page.next(this.#work, at, end, this.#scratch);
      if (next === malformed)
        throw this.#bad(`${page.problem} near byte ${this.#buffer.before + Math.max(at, page.at)}`);
      if (next === incomplete && end - page.at > longestValue) {
        throw this.#bad(`has a value of more than ${longestValue} bytes at byte ${this.#buffer.before + page.at}`);
      }
      if (next === incomplete) return page.at;
      if (page.itemAt >= 0) this.#take(page.itemAt, next);
      at = next;
    }
  }

  #lines(from: number, end: number): number {
    let at = from;
    for (;;) {
      const lineEnd = this.#work.indexOf(lf, at);
      if (lineEnd < 0 || lineEnd >= end) {
        if (end - at > longestValue)
          throw refused(this.#expected.name, 'line-too-long', `has no line end within ${longestValue} bytes`);
        return at;
      }
      const first = skipSpace(this.#work, at, lineEnd);
      if (first < lineEnd) this.#line(first, lineEnd);
      at = lineEnd + 1;
    }
  }

  #line(at: number, lineEnd: number): void {
    const next = this.#work[at] === 123 ? this.#item.read(at, lineEnd, this.#scratch) : malformed;
    if (next >= 0 && skipSpace(this.#work, next, lineEnd) === lineEnd) {
      this.#take(at, next);
      return;
    }
    this.#items += 1;
    this.#intake.misframed(this.#rawOf(at, lineEnd), notJson);
  }

  /** The slots hold the item's values. */
  #take(at: number, next: number): void {
    this.#items += 1;
    const raw = this.#rawOf(at, next);
    this.#hash.values(this.#slots);
    const { record } = this.#intake;
    record.hashHigh = this.#hash.high;
    record.hashLow = this.#hash.low;
    const found = this.#item.fault === null ? null : faults[this.#item.fault];
    const text = this.#isAscii(at, next) || isText(this.#work, at, next, 'utf-8');
    this.#intake.take(typeOf(this.#layout, this.#slots), raw, found ?? (text ? null : notText(null, 'utf-8')));
  }

  #rawOf(from: number, to: number): { from: number; to: number; line: number; offset: number } {
    const raw = this.#raw;
    raw.from = from;
    raw.to = to;
    raw.line = this.#items;
    raw.offset = this.#buffer.before + from;
    return raw;
  }

  #isAscii(from: number, to: number): boolean {
    let or = 0;
    for (let index = from; index < to; index += 1) or |= this.#work[index]!;
    return or < 0x80;
  }

  #bad(what: string): Error {
    return refused(this.#expected.name, 'bad-json', what);
  }

  get #scratch(): number {
    return chunkBytes + longestValue;
  }
}

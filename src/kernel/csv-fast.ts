/**
 * The fast path over CSV, made for one file's columns: a function whose code has the columns in their order and the kinds'
 * words as constants, so that a declared layout costs nothing per record. It reads four digits at a time and nothing but the
 * plainest form of each field: at any surprise it stops before the record, and the slow path (csv-slow.ts) decides.
 *
 * The code is made from the layout's structure and from kind words as numbers; no text of a file gets into it.
 */
import { parseIsoDate } from '../telecom/civil-date.ts';
import type { UsageBatch } from './usage-batch.ts';
import { batchRows } from './usage-batch.ts';
import type { UsageColumns, UsageField } from './usage-layout.ts';

/**
 * Fills the batch from row `batch.rows` on; answers where the first record begins that it did not take: because the batch is
 * full, because the bytes are at their end, or at a surprise. Behind `end` there are 32 bytes of 0; `base` is the file offset
 * of byte 0.
 */
export type FastReader = (
  bytes: Uint8Array,
  view: DataView,
  at: number,
  stop: number,
  end: number,
  base: number,
) => number;

/** Zero bytes that a reader needs behind the last one. */
export const readAhead = 32;

export function fastReader(columns: UsageColumns, batch: UsageBatch): FastReader {
  const last = columns.fields.length - 1;
  const body = columns.fields.map((field, index) => column(field, columns, index === last)).join('\n');
  const code = `
    const { keyHigh, keyLow, offset, subscriber, kind, toAt, toDigits, startMs, usage, chargeE8 } = batch;
    let dateA = 0, dateB = 0, dateC = 0, dayMs = 0;
    return function read(bytes, view, from, stop, end, base) {
      let at = from, row = batch.rows;
      let p = 0, s = 0, w = 0, m = 0, k = 0, t = 0, v = 0, x = 0, y = 0;
      records: while (at < stop && row < ${batchRows}) {
        p = at;
        ${body}
        if (p > end || p - at > 65536) break;
        offset[row] = base + at;
        row += 1;
        at = p;
      }
      batch.rows = row;
      return at;
    };`;
  let make = made.get(code);
  if (make === undefined) {
    make = new Function('batch', 'tens', 'dayOf', code);
    if (made.size >= mostMade) made.clear();
    made.set(code, make);
  }
  return make(batch, Float64Array.of(1, 10, 100, 1000), dayOf) as FastReader;
}

/** By their code: a thread's next file of the same columns finds its reader compiled and warm. */
const made = new Map<string, ReturnType<FunctionConstructor>>();
const mostMade = 32;

const surprise = 'break records;';

function column(field: UsageField | null, { delimiter, kinds }: UsageColumns, last: boolean): string {
  // \r\n and \n end a record; what comes after the last column is its end
  const end = last
    ? `if (bytes[p] === 13) p += 1; if (bytes[p] !== 10) ${surprise} p += 1;`
    : `if (bytes[p] !== ${delimiter}) ${surprise} p += 1;`;
  switch (field) {
    case 'key':
      return `${digits(15)} keyHigh[row] = v / 4294967296; keyLow[row] = v; ${end}`;
    case 'subscriber':
      return `${digits(15)} subscriber[row] = v; ${end}`;
    case 'to':
      return `${overDigits(15)} toAt[row] = s; toDigits[row] = p - s; ${end}`;
    case 'usage':
      return `${digits(9)} usage[row] = v; ${end}`;
    case 'kind':
      return `${kinds.map(({ word }, index) => oneOf(word, index)).join(' else ')} else ${surprise} ${end}`;
    case 'start':
      return `${isoTime} ${end}`;
    case 'charge':
      return `if (bytes[p + 1] === 46) { v = bytes[p] - 48; if (v >>> 0 > 9) ${surprise} p += 1; }
        else { ${digits(7)} if (bytes[p] !== 46) ${surprise} }
        p += 1; ${fourDigits}
        if (m !== 0) ${surprise} p += 4; chargeE8[row] = (v * 10000 + ${value}) * 10000; ${end}`;
    case null:
      return `${anyText(delimiter)} ${end}`;
  }
}

/**
 * Of four bytes, little endian: `m` has the high bit of every byte that is no digit (and perhaps of bytes behind it).
 * A byte below 0x30 borrows from the next ones only, one above 0x39 is found by adding 0x76.
 */
const fourDigits = `
  w = (view.getInt32(p, true) - 0x30303030) | 0;
  m = (w | (w + 0x76767676)) & 0x80808080;`;
/** Of the bytes with a high bit in `m`, the number of the first. */
const firstByte = '((31 - Math.clz32(m & -m)) >>> 3)';
/** Pairs first: bytes 0 and 2 of t are two digits each. */
const value = '((t = (Math.imul(w, 10) + (w >>> 8)) | 0) & 255) * 100 + ((t >>> 16) & 255)';

function digits(most: number): string {
  return `
    s = p; v = 0;
    for (;;) {
      ${fourDigits}
      if (m !== 0) break;
      v = v * 10000 + ${value};
      p += 4;
    }
    k = ${firstByte};
    w = w << (24 - 8 * k) << 8; v = v * tens[k] + ${value}; p += k;
    if (p === s || p - s > ${most}) ${surprise}`;
}

function overDigits(most: number): string {
  return `
    s = p;
    for (;;) {
      ${fourDigits}
      if (m !== 0) break;
      p += 4;
    }
    p += ${firstByte};
    if (p === s || p - s > ${most}) ${surprise}`;
}

function oneOf(word: string, index: number): string {
  const bytes = Buffer.from(word, 'latin1');
  const tests: string[] = [];
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) tests.push(`view.getInt32(p + ${at}, true) === ${bytes.readInt32LE(at)}`);
  for (; at < bytes.length; at += 1) tests.push(`bytes[p + ${at}] === ${bytes[at]}`);
  return `if (${tests.join(' && ')}) { kind[row] = ${index}; p += ${bytes.length}; }`;
}

/** 2026-06-15T12:34:56Z; the date is looked up only when it differs from the one before. */
const isoTime = `
  x = view.getInt32(p, true); y = view.getInt32(p + 4, true); t = view.getInt32(p + 7, true);
  if (x !== dateA || y !== dateB || t !== dateC) {
    v = dayOf(bytes, p);
    if (v !== v) ${surprise}
    dateA = x; dateB = y; dateC = t; dayMs = v;
  }
  x = (view.getInt32(p + 11, true) - 0x303a3030) | 0; y = (view.getInt32(p + 15, true) - 0x30303a30) | 0;
  if (((x | y | (x + 0x76767676) | (y + 0x76767676)) & 0x80808080) !== 0) ${surprise}
  if (((x & 0xff0000) | (y & 0xff00)) !== 0 || bytes[p + 19] !== 90) ${surprise}
  k = (x & 255) * 10 + ((x >>> 8) & 255); m = (x >>> 24) * 10 + (y & 255); t = ((y >>> 16) & 255) * 10 + (y >>> 24);
  if (k > 23 || m > 59 || t > 59) ${surprise}
  startMs[row] = dayMs + (k * 3600 + m * 60 + t) * 1000; p += 20;`;

/**
 * A field that is only read over, quoted or not, four bytes at a time. Unquoted it ends at a quote, a delimiter or a byte
 * below 14; what it ends at is looked at behind it. A flag in \`m\` is exact up to the first one.
 */
function anyText(delimiter: number): string {
  return `
  if (bytes[p] === 34) {
    p += 1;
    for (;;) {
      do { w = view.getInt32(p, true) ^ 0x22222222; m = (w - 0x01010101) & ~w & 0x80808080; p += 4; } while (m === 0 && p < end);
      if (m === 0) ${surprise}
      p += ${firstByte} - 3;
      if (bytes[p] !== 34) break;
      p += 1;
    }
    if (p > end) ${surprise}
  } else {
    do {
      w = view.getInt32(p, true); x = w ^ 0x22222222; y = w ^ ${Math.imul(delimiter, 0x01010101)};
      m = ((w - 0x0e0e0e0e) & ~w | (x - 0x01010101) & ~x | (y - 0x01010101) & ~y) & 0x80808080;
      p += 4;
    } while (m === 0);
    p += ${firstByte} - 4;
  }`;
}

/** UTC milliseconds of the day of `2026-06-15T`; NaN when it is none. */
function dayOf(bytes: Uint8Array, at: number): number {
  if (bytes[at + 10] !== 84) return Number.NaN;
  const text = String.fromCharCode(...bytes.subarray(at, at + 10));
  return parseIsoDate(text) * 86_400_000;
}

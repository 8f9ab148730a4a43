/**
 * The code that reads one field of a record, as text for `fastReader` (csv-fast.ts). It stands in a loop labelled `records`
 * and knows `bytes`, `view`, the position `p` and the batch's columns by name; at anything but the plainest form of the field it
 * leaves the loop. Four bytes are looked at in one go: `w` holds them less the digits' code, the first one lowest.
 */
import type { UsageColumns, UsageField } from '../usage-layout.ts';

const surprise = 'break records;';
const newline = 10;
const carriageReturn = 13;
const quote = 34;
const dot = 46;

/** Code for the field in the given column; null for one that is only read over. */
export function fieldCode(field: UsageField | null, column: number, columns: UsageColumns): string {
  const { delimiter, kinds, widths } = columns;
  // \r\n and \n end a record; what comes after the last column is its end
  const end =
    column === columns.fields.length - 1
      ? `if (bytes[p] === ${carriageReturn}) p += 1; if (bytes[p] !== ${newline}) ${surprise} p += 1;`
      : `if (bytes[p] !== ${delimiter}) ${surprise} p += 1;`;
  switch (field) {
    case 'key':
      return `${digitsOf(widths[column]!, 15)} keyHigh[row] = v / 4294967296; keyLow[row] = v; ${end}`;
    case 'subscriber':
      return `${digitsOf(widths[column]!, 15)} subscriber[row] = v; ${end}`;
    case 'to':
      return `${overDigits(15)} toAt[row] = s; toDigits[row] = p - s; ${end}`;
    case 'usage':
      return `${digits(9)} usage[row] = v; ${end}`;
    case 'kind':
      return `${kinds.map(({ word }, index) => oneOf(word, index)).join(' else ')} else ${surprise} ${end}`;
    case 'start':
      return `${isoTime} ${end}`;
    case 'charge':
      return `${charge} ${end}`;
    case null:
      return `${anyText(delimiter)} ${end}`;
  }
}

/**
 * `m` has the high bit of every byte of `w` that is no digit (and perhaps of bytes behind it). A byte below 0x30 borrows from
 * the next ones only, one above 0x39 is found by adding 0x76.
 */
const fourDigits = `
  w = (view.getInt32(p, true) - 0x30303030) | 0;
  m = (w | (w + 0x76767676)) & 0x80808080;`;
/** Of the bytes with a high bit in `m`, the number of the first. */
const firstByte = '((31 - Math.clz32(m & -m)) >>> 3)';
const value = valueCode('w');

/** Pairs first: bytes 0 and 2 of t are two digits each. */
function valueCode(word: string): string {
  return `(((t = (Math.imul(${word}, 10) + (${word} >>> 8)) | 0) & 255) * 100 + ((t >>> 16) & 255))`;
}

/** Up to `most` digits: their value in `v`. */
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

/**
 * The same for a field that mostly has `width` digits: all of them at once, and by `digits` when they are more or fewer. The last
 * load overlaps the one before, whose digits are masked out.
 */
function digitsOf(width: number, most: number): string {
  if (width < 4 || width > most) return digits(most);
  const groups = Array.from({ length: Math.ceil(width / 4) }, (_, group) => {
    const rest = Math.min(4, width - group * 4);
    return { word: `w${group}`, at: group * 4 - (4 - rest), mask: -1 << (8 * (4 - rest)), scale: 10 ** rest };
  });
  const loads = groups.map(({ word, at }) => `const ${word} = (view.getInt32(p + ${at}, true) - 0x30303030) | 0;`);
  const tests = groups.map(({ word }) => `${word} | (${word} + 0x76767676)`);
  const all = groups
    .map(({ word, mask, scale }) => ({ part: valueCode(`(${word} & ${mask})`), scale }))
    .reduce((code, { part, scale }) => ({ part: `(${code.part} * ${scale} + ${part})`, scale }));
  return `{
    ${loads.join(' ')}
    if (((${tests.join(' | ')}) & 0x80808080) === 0 && bytes[p + ${width}] - 48 >>> 0 > 9) { v = ${all.part}; p += ${width}; }
    else { ${digits(most)} }
  }`;
}

/** Up to `most` digits from `s` to `p`. */
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

/** Euros, mostly one digit of them, and four decimals. */
const charge = `
  if (bytes[p + 1] === ${dot}) { v = bytes[p] - 48; if (v >>> 0 > 9) ${surprise} p += 1; }
  else { ${digits(7)} if (bytes[p] !== ${dot}) ${surprise} }
  p += 1;
  ${fourDigits}
  if (m !== 0) ${surprise} p += 4; chargeE8[row] = (v * 10000 + ${value}) * 10000;`;

/**
 * 2026-06-15T12:34:56Z. Dates that were met are kept by their day of the month (csv-fast.ts); for a new one the loop is left with its place in
 * `newDate`, so that nothing is called in it.
 */
const isoTime = `
  x = view.getInt32(p, true); y = view.getInt32(p + 4, true); t = view.getInt32(p + 7, true);
  k = ((t >>> 4) & 240) | ((t >>> 16) & 15);
  if (x !== years[k] || y !== months[k] || t !== days[k]) { newDate = p; ${surprise} }
  v = dayMs[k];
  x = (view.getInt32(p + 11, true) - 0x303a3030) | 0; y = (view.getInt32(p + 15, true) - 0x30303a30) | 0;
  if (((x | y | (x + 0x76767676) | (y + 0x76767676)) & 0x80808080) !== 0) ${surprise}
  if (((x & 0xff0000) | (y & 0xff00)) !== 0 || bytes[p + 19] !== 90) ${surprise}
  k = (x & 255) * 10 + ((x >>> 8) & 255); m = (x >>> 24) * 10 + (y & 255); t = ((y >>> 16) & 255) * 10 + (y >>> 24);
  if (k > 23 || m > 59 || t > 59) ${surprise}
  startMs[row] = v + (k * 3600 + m * 60 + t) * 1000; p += 20;`;

/**
 * A field that is only read over, quoted or not. Unquoted it ends at a quote, a delimiter or a byte below 14; what it ends at is
 * looked at behind it. A flag in `m` is exact up to the first one.
 */
function anyText(delimiter: number): string {
  const everywhere = (byte: number) => Math.imul(byte, 0x01010101);
  return `
    if (bytes[p] === ${quote}) {
      p += 1;
      for (;;) {
        do {
          w = view.getInt32(p, true) ^ ${everywhere(quote)}; m = (w - 0x01010101) & ~w & 0x80808080;
          p += 4;
        } while (m === 0 && p < end);
        if (m === 0) ${surprise}
        p += ${firstByte} - 3;
        if (bytes[p] !== ${quote}) break;
        p += 1;
      }
      if (p > end) ${surprise}
    } else {
      do {
        w = view.getInt32(p, true); x = w ^ ${everywhere(quote)}; y = w ^ ${everywhere(delimiter)};
        m = ((w - 0x0e0e0e0e) & ~w | (x - 0x01010101) & ~x | (y - 0x01010101) & ~y) & 0x80808080;
        p += 4;
      } while (m === 0);
      p += ${firstByte} - 4;
    }`;
}

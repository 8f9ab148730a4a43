/**
 * One line of the SP16X layout: 200 characters of ISO-8859-1, positions counted from 1. Text is blank-padded right, numbers
 * zero-padded left, amounts 11 digits in 1e-4 EUR with the sign behind. Throws when a value does not fit its field.
 */
import type { Calendar } from './calendar.ts';
import type { UsageRecord } from './usage-record.ts';

export const lineLength = 200;

/** [first position, width, text] */
type Field = readonly [at: number, width: number, text: string];

export function formatLine(record: UsageRecord, calendar: Calendar): string {
  const local = calendar.localText(record.startS);
  const fields: Field[] = [
    [1, 2, record.line],
    [3, 12, record.id],
    [15, 15, record.msisdn],
    [87, 12, signed(record.amountE4, 11)],
    [99, 2, record.vat],
    [115, 40, record.text],
  ];
  if (record.line === '40' || record.line === '50') {
    fields.push([54, 8, local.slice(0, 8)], [62, 8, calendar.localText(record.untilS).slice(0, 8)]);
    return assemble(fields);
  }
  fields.push(
    [30, 24, record.dialled],
    [54, 14, local],
    [68, 1, record.dstFlag],
    [69, 8, digits(record.quantity, 8)],
    [77, 4, record.callCode],
    [81, 6, record.visited],
    [101, 1, record.inBundle ? 'J' : 'N'],
    [102, 1, record.change],
    [103, 12, record.originalId],
  );
  if (record.line === '30') fields.push([155, 15, digits(record.octets, 15)]);
  return assemble(fields);
}

export interface HeaderFields {
  account: string;
  seq: number;
  /** yyyymmdd, both inclusive. */
  periodFrom: string;
  periodTo: string;
  /** yyyymmddhhmmss */
  created: string;
  previous: { seq: number; crc: string };
}

export function formatHeader(header: HeaderFields): string {
  return assemble([
    [1, 2, '00'],
    [3, 10, header.account],
    [13, 6, digits(header.seq, 6)],
    [19, 8, header.periodFrom],
    [27, 8, header.periodTo],
    [35, 14, header.created],
    [49, 3, 'EUR'],
    [52, 4, '0103'],
    [56, 6, digits(header.previous.seq, 6)],
    [62, 8, header.previous.crc],
  ]);
}

export function formatTrailer(count: number, sumE4: number, crc: string): string {
  return assemble([
    [1, 2, '99'],
    [3, 8, digits(count, 8)],
    [11, 16, signed(sumE4, 15)],
    [27, 8, crc],
  ]);
}

function assemble(fields: readonly Field[]): string {
  const line: string[] = [];
  let position = 1;
  for (const [at, width, text] of [...fields].sort((a, b) => a[0] - b[0])) {
    if (text.length > width) throw new Error(`position ${at}: ${text.length} characters do not fit in ${width}`);
    if (at < position) throw new Error(`position ${at} is taken`);
    line.push(' '.repeat(at - position), text.padEnd(width));
    position = at + width;
  }
  return line.join('').padEnd(lineLength);
}

function digits(value: number, width: number): string {
  const text = String(value).padStart(width, '0');
  if (!/^\d+$/.test(text) || text.length > width) throw new Error(`${value} does not fit in ${width} digits`);
  return text;
}

function signed(value: number, width: number): string {
  return digits(Math.abs(value), width) + (value < 0 ? '-' : '+');
}

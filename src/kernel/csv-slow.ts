/**
 * One CSV record, whatever it looks like: RFC 4180 with `\n`, `\r\n` or the end of the file as its end. A quote inside an
 * unquoted field, or text behind a closing quote, is a fault of that record, which then ends at the line's end. Every fault
 * keeps to its record: the next one begins where this one ends.
 */
import { parseIsoDate, parseTimeOfDayMs } from '../telecom/civil-date.ts';
import { parseAmountE8 } from '../telecom/money.ts';
import type { UsageBatch } from './usage-batch.ts';
import type { UsageColumns, UsageField } from './usage-layout.ts';

/** Why a record is quarantined; the field is null when it is the record's form. */
export interface RecordFault {
  /** Where the record begins in the file. */
  readonly offset: number;
  readonly code: 'bad-quotes' | 'columns' | 'bad-value' | 'unknown-kind' | 'conflicting-duplicate';
  readonly field: UsageField | null;
}

export interface SplitRecord {
  readonly fields: readonly string[];
  /** Where each field's own text begins: behind the quote, if any. */
  readonly starts: readonly number[];
  /** Where the next record begins. */
  readonly next: number;
  readonly wellQuoted: boolean;
}

const quote = 34;
const newline = 10;
const carriageReturn = 13;

/** Null when the record is not all there and more bytes follow `end`. */
export function splitRecord(
  bytes: Buffer,
  from: number,
  end: number,
  last: boolean,
  delimiter: number,
): SplitRecord | null {
  const fields: string[] = [];
  const starts: number[] = [];
  let wellQuoted = true;
  let at = from;
  for (;;) {
    const quoted = at < end && bytes[at] === quote;
    let text = '';
    if (quoted) {
      at += 1;
      starts.push(at);
      for (;;) {
        const close = bytes.indexOf(quote, at);
        if (close < 0 || close >= end) {
          // an open quote at the file's end: the record is what is left
          if (!last) return null;
          return { fields: [...fields, ''], starts, next: end, wellQuoted: false };
        }
        text += bytes.toString('latin1', at, close);
        at = close + 1;
        if (at >= end && !last) return null;
        if (at >= end || bytes[at] !== quote) break;
        text += '"';
        at += 1;
      }
    } else {
      starts.push(at);
    }
    const restFrom = at;
    while (at < end && bytes[at] !== delimiter && bytes[at] !== newline) at += 1;
    if (at === end && !last) return null;
    const lineEnds = at === end || bytes[at] === newline;
    const restTo = lineEnds && at > restFrom && bytes[at - 1] === carriageReturn ? at - 1 : at;
    const rest = bytes.toString('latin1', restFrom, restTo);
    if (quoted ? rest !== '' : rest.includes('"')) wellQuoted = false;
    fields.push(text + rest);
    if (lineEnds) return { fields, starts, next: Math.min(at + 1, end), wellQuoted };
    at += 1;
  }
}

/** Takes the record as the batch's next row, or says what is wrong with it. `offset` is that of the record in the file. */
export function takeRecord(
  record: SplitRecord,
  { fields, kinds }: UsageColumns,
  batch: UsageBatch,
  offset: number,
): RecordFault | null {
  const fault = (code: RecordFault['code'], field: UsageField | null = null): RecordFault => ({ offset, code, field });
  if (!record.wellQuoted) return fault('bad-quotes');
  if (record.fields.length !== fields.length) return fault('columns');
  const row = batch.rows;
  for (const [index, field] of fields.entries()) {
    if (field === null) continue;
    const text = record.fields[index]!;
    if (field === 'kind') {
      const kind = kinds.findIndex(({ word }) => word === text);
      if (kind < 0) return fault('unknown-kind', field);
      batch.kind[row] = kind;
    } else if (!takeField(batch, row, field, text, record.starts[index]!)) {
      return fault('bad-value', field);
    }
  }
  batch.offset[row] = offset;
  batch.rows += 1;
  return null;
}

function takeField(batch: UsageBatch, row: number, field: Exclude<UsageField, 'kind'>, text: string, at: number) {
  switch (field) {
    case 'key': {
      if (!/^\d{1,18}$/.test(text)) return false;
      const key = BigInt(text);
      batch.keyHigh[row] = Number(key >> 32n);
      batch.keyLow[row] = Number(key & 0xffffffffn);
      return true;
    }
    case 'subscriber':
      batch.subscriber[row] = Number(text);
      return /^\d{1,15}$/.test(text);
    case 'to':
      batch.toAt[row] = at;
      batch.toDigits[row] = text.length;
      return /^\d{1,15}$/.test(text);
    case 'start':
      batch.startMs[row] = instantOf(text);
      return !Number.isNaN(batch.startMs[row]);
    case 'usage':
      batch.usage[row] = Number(text);
      return /^\d{1,9}$/.test(text);
    case 'charge':
      batch.chargeE8[row] = parseAmountE8(text);
      return !Number.isNaN(batch.chargeE8[row]);
  }
}

/** UTC milliseconds of an ISO time with `Z` or `+02:00`; NaN when it is none. */
function instantOf(text: string): number {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:Z|([+-])(\d\d):([0-5]\d))$/.exec(text);
  if (match === null) return Number.NaN;
  const [, date, time, sign, hours, minutes] = match;
  const offsetMs = sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  return parseIsoDate(date!) * 86_400_000 + parseTimeOfDayMs(time!) - offsetMs;
}

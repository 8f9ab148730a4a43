/**
 * One CSV record, whatever it looks like: the rows of the imports' decoder (providers/decode/csv-row.ts) as rows of a batch. A
 * quote that is never closed, or stands where none may be, costs its own line; an empty line is no record. Texts that nobody
 * reads may hold anything.
 */
import { CsvRow } from '../../providers/decode/csv-row.ts';
import { parseIsoDate, parseTimeOfDayMs } from '../../telecom/civil-date.ts';
import { parseAmountE8 } from '../../telecom/money.ts';
import type { UsageBatch } from '../usage-batch.ts';
import type { UsageColumns, UsageField } from '../usage-layout.ts';

/** Why a record is quarantined; the field is null when it is the record's form. */
export interface RecordFault {
  /** Where the record begins in the file. */
  readonly offset: number;
  readonly code:
    | 'bad-quotes'
    | 'columns'
    | 'record-too-long'
    | 'bad-value'
    | 'unknown-kind'
    | 'conflicting-duplicate'
    | 'killed-its-thread'
    | 'unexpected-error';
  readonly field: UsageField | null;
  /** What was thrown at it. */
  readonly reason?: string;
}

/** `1,234,567,890`: a bare number of so many digits would be masked as a phone number. */
export function shownOffset(offset: number): string {
  return offset.toLocaleString('en-US');
}

const newline = 10;
const blank = 32;
/** Quotes stay doubled: a text that holds one is no value of ours. */
const noScratch = -1;

export class SlowRecords {
  readonly #columns: UsageColumns;
  readonly #row: CsvRow;
  #at = 0;
  #endless = false;

  constructor(columns: UsageColumns) {
    this.#columns = columns;
    this.#row = new CsvRow(String.fromCharCode(columns.delimiter));
  }

  /** Where the record read last ends, without its line end. */
  get end(): number {
    return this.#row.end;
  }

  /** What was read last is no record: a line without an end in as many bytes as a record may have. */
  get endless(): boolean {
    return this.#endless;
  }

  /**
   * Reads the record at `at` and answers where the next one begins; -1 when it is not all there and more bytes follow `end`.
   * The byte at `end` must be there.
   */
  read(bytes: Buffer, at: number, end: number, last: boolean): number {
    this.#at = at;
    const next = this.#row.read(bytes, at, end, last, noScratch);
    this.#endless = this.#row.fault === 'row-too-long' && bytes[next - 1] !== newline;
    return Math.min(next, end);
  }

  /** Takes the record read last as the batch's next row, or says what is wrong with it. `offset`: where it is in the file. */
  take(bytes: Buffer, batch: UsageBatch, offset: number): RecordFault | null {
    const { fields, kinds } = this.#columns;
    const { from, to, columns, fault: wrong, end } = this.#row;
    const fault = (code: RecordFault['code'], field: UsageField | null = null): RecordFault => ({
      offset,
      code,
      field,
    });
    if (wrong === 'bad-quotes') return fault('bad-quotes');
    if (wrong === 'row-too-long') return fault('record-too-long');
    if (end === this.#at) return null;
    if (columns !== fields.length) return fault('columns');
    const row = batch.rows;
    for (const [index, field] of fields.entries()) {
      if (field === null) continue;
      const text = bytes.toString('latin1', from[index], withoutBlanks(bytes, from[index]!, to[index]!));
      if (field === 'kind') {
        const kind = kinds.findIndex(({ word }) => word === text);
        if (kind < 0) return fault('unknown-kind', field);
        batch.kind[row] = kind;
      } else if (!takeField(batch, row, field, text, from[index]!)) {
        return fault('bad-value', field);
      }
    }
    batch.offset[row] = offset;
    batch.rows += 1;
    return null;
  }
}

/** Blanks behind a value do not count, as in an import. */
function withoutBlanks(bytes: Buffer, from: number, to: number): number {
  let end = to;
  while (end > from && bytes[end - 1] === blank) end -= 1;
  return end;
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

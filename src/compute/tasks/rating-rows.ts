/**
 * Reads `ratingSpoolColumns` rows (COPY text) from chunks of bytes into ONE reused row. Texts that repeat (kind, category,
 * prefix, network) are remembered by their bytes instead of being made per row. Throws on a row that is not one of ours.
 */
import { ratingSpoolColumns } from '../../telecom/cdr-columns.ts';
import type { RateableRecord, RecordKind } from '../../telecom/record.ts';
import { TextMemo } from './text-memo.ts';

export interface RatingRow extends RateableRecord {
  msisdn: string;
  /** The id's digits are `bytes` from `idAt`. */
  bytes: Buffer;
  idAt: number;
  idLength: number;
}

const columns = ratingSpoolColumns.length;
const column = Object.fromEntries(ratingSpoolColumns.map((name, index) => [name, index])) as Record<
  (typeof ratingSpoolColumns)[number],
  number
>;
const tab = 9;
const newline = 10;
const backslash = 92;

export class RatingRows {
  readonly #onRow: (row: RatingRow) => void;
  readonly #texts = new TextMemo();
  /** Field i is bytes starts[i] to starts[i + 1] - 1. */
  readonly #starts = new Int32Array(columns + 1);
  #carry: Buffer = Buffer.alloc(0);
  #line = 0;
  readonly #row: RatingRow = {
    msisdn: '',
    kind: 'voice',
    category: '',
    prefix: '',
    visited: '',
    startMs: 0,
    usage: 0,
    providerAmountE8: 0,
    bytes: this.#carry,
    idAt: 0,
    idLength: 0,
  };

  constructor(onRow: (row: RatingRow) => void) {
    this.#onRow = onRow;
  }

  push(chunk: Buffer): void {
    const bytes = this.#carry.length > 0 ? Buffer.concat([this.#carry, chunk]) : chunk;
    let at = 0;
    for (let next = this.#split(bytes, at); next > 0; next = this.#split(bytes, at)) {
      this.#line += 1;
      this.#take(bytes);
      at = next;
    }
    this.#carry = Buffer.from(bytes.subarray(at));
  }

  end(): void {
    if (this.#carry.length > 0) throw new Error(`the rating spool ends in the middle of row ${this.#line + 1}`);
  }

  /** Notes where the fields of the row at `at` begin; answers where the next row begins, 0 when this one is not all there. */
  #split(bytes: Buffer, at: number): number {
    const starts = this.#starts;
    starts[0] = at;
    let field = 0;
    for (let index = at; index < bytes.length; index += 1) {
      const byte = bytes[index]!;
      if (byte !== tab && byte !== newline) continue;
      field += 1;
      starts[field] = index + 1;
      if (byte === tab && field < columns) continue;
      if (byte === newline && field === columns) return index + 1;
      throw new Error(`row ${this.#line + 1} of the rating spool has not ${columns} fields`);
    }
    return 0;
  }

  #take(bytes: Buffer): void {
    const row = this.#row;
    row.bytes = bytes;
    row.idAt = this.#starts[column.id]!;
    row.idLength = this.#starts[column.id + 1]! - 1 - row.idAt;
    row.msisdn = this.#text(bytes, column.msisdn);
    row.kind = this.#text(bytes, column.kind) as RecordKind;
    row.category = this.#text(bytes, column.category);
    row.prefix = this.#text(bytes, column.b_prefix);
    row.visited = this.#text(bytes, column.visited);
    row.startMs = this.#integer(bytes, column.start_ms);
    row.providerAmountE8 = this.#integer(bytes, column.provider_amount_e8);
    row.usage = this.#usage(bytes, row.kind);
    this.#onRow(row);
  }

  #usage(bytes: Buffer, kind: RecordKind): number {
    switch (kind) {
      case 'voice':
        return this.#integer(bytes, column.usage_s);
      case 'data':
        return this.#integer(bytes, column.usage_octets);
      case 'sms':
      case 'mms':
        return this.#integer(bytes, column.usage_count);
      case 'recurring':
      case 'oneoff':
      case 'credit':
        return 1;
    }
  }

  /** Empty for null. The texts are names and digits that need no escape; one that has an escape is not ours. */
  #text(bytes: Buffer, field: number): string {
    const from = this.#starts[field]!;
    const length = this.#starts[field + 1]! - 1 - from;
    if (length === 0) return '';
    if (bytes[from] !== backslash) return this.#texts.of(bytes, from, length);
    if (length === 2 && bytes[from + 1] === 78) return '';
    throw this.#bad(field);
  }

  #integer(bytes: Buffer, field: number): number {
    const from = this.#starts[field]!;
    const end = this.#starts[field + 1]! - 1;
    const negative = bytes[from] === 45;
    let value = 0;
    let index = negative ? from + 1 : from;
    if (index === end) throw this.#bad(field);
    for (; index < end; index += 1) {
      const digit = bytes[index]! - 48;
      if (digit < 0 || digit > 9) throw this.#bad(field);
      value = value * 10 + digit;
    }
    if (value > Number.MAX_SAFE_INTEGER) throw this.#bad(field);
    return negative ? 0 - value : value;
  }

  #bad(field: number): Error {
    return new Error(`row ${this.#line} of the rating spool: ${ratingSpoolColumns[field]} is malformed`);
  }
}

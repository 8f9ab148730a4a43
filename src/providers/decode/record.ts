/**
 * One decoded record. There is ONE object of it per decoder, filled again for every record; sinks keep nothing of it. It is a
 * `RateableRecord`, so the rater takes it as it is; what only the database needs is read from `bytes`.
 */
import type { RateableRecord } from '../../telecom/record.ts';
import { type Code, unknownCategory } from './code-table.ts';
import { type KeptDialled, noDialled } from './dialled-numbers.ts';

/** What a record does to the one that it names: nothing, replace it, cancel it. Bytes, as `cdr.correction` has them. */
export const original = 32;
export const correcting = 67;
export const cancelling = 68;

export interface DecodedRecord extends RateableRecord {
  bytes: Buffer;
  /** 1-based, counting the header; of a record of several lines the first one; of a page the number of the item. */
  line: number;
  /** The record's key is `keyBytes` from `keyFrom` to before `keyTo`: the provider's id, or made from its content. */
  keyBytes: Buffer;
  keyFrom: number;
  keyTo: number;
  /** Id of the record that this one corrects; empty for originals. */
  originalFrom: number;
  originalTo: number;
  correction: number;
  /** The provider's own version of the record; 0 where it has none. */
  version: number;
  /** Null for charges, and where the layout has none. */
  code: Code | null;
  dialled: KeptDialled;
  /** HMAC-SHA256 of the E.164 digits, hex; null without a number, for a confidential one, and when no key was given. */
  dialledHash: string | null;
  /** Country code to stand before the digits: empty unless the number was written in its national form. */
  msisdnCountry: string;
  msisdnFrom: number;
  msisdnDigits: number;
  /** Local start date, yyyymmdd, and second of that day. */
  date: number;
  second: number;
  offsetMinutes: number;
  ambiguous: boolean;
  shifted: boolean;
  usageS: number;
  usageOctets: number;
  usageCount: number;
  vatFrom: number;
  vatTo: number;
  inBundle: boolean | null;
  hashHigh: number;
  hashLow: number;
}

/** Where decoded records go: the COPY writer, or rater and totals. */
export interface RecordSink {
  /** Starts from nothing; called again when the file needs a second pass. */
  begin(): void;
  record(record: DecodedRecord): void;
  /** Everything was verified. */
  end(): void;
  /** The file was refused or the task stopped: nothing may remain. */
  discard(): void;
}

const nothing = Buffer.alloc(0);

export function emptyRecord(): DecodedRecord {
  return {
    kind: 'voice',
    category: unknownCategory,
    prefix: '',
    visited: '',
    startMs: 0,
    usage: 0,
    providerAmountE8: 0,
    bytes: nothing,
    line: 0,
    keyBytes: nothing,
    keyFrom: 0,
    keyTo: 0,
    originalFrom: 0,
    originalTo: 0,
    correction: original,
    version: 0,
    code: null,
    dialled: noDialled,
    dialledHash: null,
    msisdnCountry: '',
    msisdnFrom: 0,
    msisdnDigits: 0,
    date: 0,
    second: 0,
    offsetMinutes: 0,
    ambiguous: false,
    shifted: false,
    usageS: 0,
    usageOctets: 0,
    usageCount: 0,
    vatFrom: 0,
    vatTo: 0,
    inBundle: null,
    hashHigh: 0,
    hashLow: 0,
  };
}

/**
 * One decoded SP16X line, as the decoder by hand had it. There is ONE object of it per decoder, filled again for every line; sinks keep nothing of it. It
 * is a `RateableRecord`, so the rater takes it as it is; what only the database needs is read from `bytes` at `at`.
 */
import type { RateableRecord } from '../../../src/telecom/record.ts';
import type { CallCode } from './call-codes.ts';
import type { KeptDialled } from './dialled-numbers.ts';

export interface Sp16Record extends RateableRecord {
  /** The line's bytes begin at `at`. */
  bytes: Buffer;
  at: number;
  /** 1-based, counting the header. */
  line: number;
  /** Null for charges, which have none. */
  callCode: CallCode | null;
  dialled: KeptDialled;
  /** HMAC-SHA256 of the E.164 digits, hex; null without a number, for a confidential one, and when no key was given. */
  dialledHash: string | null;
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
  /** 1e-4 EUR as in the file; NaN when the field is unreadable. */
  amountUnits: number;
  /** Byte: blank, `C` or `D`. */
  correction: number;
  inBundle: boolean | null;
  hashHigh: number;
  hashLow: number;
}

export interface HandSink {
  record(record: Sp16Record): void;
}

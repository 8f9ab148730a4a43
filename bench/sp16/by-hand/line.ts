/**
 * SP16X by hand: the decoder that the layout's took the place of, kept to measure it against.
 *
 * Decodes one record line into the reused `Sp16Record`. Answers null, or the first fault from the left; the caller puts the
 * line into quarantine. No strings are made per record: numbers are read from bytes, texts come from tables.
 */
import {
  isBlank,
  paddedDigits,
  readDate,
  readDigits,
  readSigned,
  readTime,
} from '../../../src/providers/decode/digits.ts';
import { type DstFlag, LocalClock } from '../../../src/providers/decode/local-start.ts';
import { type Position, recordLayout } from '../../../src/providers/kpn-sp16/layout.ts';
import { callCodes, homeCountryCode, unknownCategory } from './call-codes.ts';
import { ContentHash } from './content-hash.ts';
import { DialledNumbers, noDialled } from './dialled-numbers.ts';
import type { Sp16Record } from './record.ts';

export type RecordField = keyof typeof recordLayout;
export interface LineFault {
  readonly code: string;
  readonly field: RecordField | null;
  /** What is wrong with it, in words that follow the value. */
  readonly what: string;
}

export interface LineDecoderOptions {
  readonly timeZone: string;
  readonly numberMask: number;
  readonly hashKey: Uint8Array | null;
  readonly nowMs: number;
}

const dayMs = 86_400_000;
/** One of an amount, in 1e-8 EUR. */
const amountUnitE8 = 10_000;
/** Fees are charged in advance, usage cannot be. */
const chargeAheadMs = 400 * dayMs;
const earliestDate = 20_000_101;
/** No call is longer than the longest cycle. */
const longestCallS = 31 * 86_400;
const at = offsets(recordLayout);

export class LineDecoder {
  readonly record: Sp16Record;
  readonly #clock: LocalClock;
  readonly #dialled: DialledNumbers;
  readonly #hash = new ContentHash();
  readonly #visited = new Map<number, string>();
  readonly #latestMs: number;
  readonly #unknownCodes = new Set<string>();

  constructor(options: LineDecoderOptions) {
    this.#clock = new LocalClock(options.timeZone);
    this.#dialled = new DialledNumbers(options.numberMask, options.hashKey);
    this.#latestMs = options.nowMs + dayMs;
    this.record = emptyRecord();
  }

  get unknownCallCodes(): readonly string[] {
    return [...this.#unknownCodes].sort();
  }

  decode(bytes: Buffer, start: number, line: number): LineFault | null {
    const record = this.record;
    record.bytes = bytes;
    record.at = start;
    record.line = line;
    const tens = bytes[start]!;
    const known = bytes[start + 1] === 48 && tens >= 49 && tens <= 53;
    record.amountUnits = known ? readSigned(bytes, start + at.amount, 12) : Number.NaN;
    this.#hash.update(bytes, start);
    record.hashHigh = this.#hash.high;
    record.hashLow = this.#hash.low;
    if (this.#hash.hasControl) return fault('control-character', null, 'has a control character');
    if (this.#hash.highByteOutside) return notLatin1;
    if (this.#hash.highByteInText && !latin1Text(bytes, start)) return notLatin1;
    if (!known) return fault('unknown-record-type', 'type', 'is no record type of this layout');
    if (isBlank(bytes, start + at.id, 12)) return fault('missing-id', 'id', 'is blank');
    return tens <= 51 ? this.#usage(bytes, start, tens) : this.#charge(bytes, start, tens);
  }

  #usage(bytes: Buffer, start: number, tens: number): LineFault | null {
    const record = this.record;
    record.msisdnDigits = paddedDigits(bytes, start + at.msisdn, 15);
    if (record.msisdnDigits < 8) return fault('bad-number', 'msisdn', 'is no number of 8 to 15 digits');
    const dialled = tens === 51 ? noDialled : this.#dialled.of(bytes, start + at.dialled);
    if (!dialled) return fault('bad-number', 'dialled', 'is no dialled number');
    record.dialled = dialled;
    record.dialledHash = dialled === noDialled ? null : this.#dialled.hashOf(bytes, start + at.dialled);
    record.prefix = dialled.prefix;
    const correctionFault = this.#correction(bytes, start);
    const startFault = this.#start(bytes, start);
    if (startFault) return startFault;
    const usage = readDigits(bytes, start + at.usage, 8);
    if (usage < 0) return fault('bad-digits', 'usage', 'is not 8 digits');
    if (tens === 49 && usage > longestCallS) return fault('impossible', 'usage', 'is longer than any call');
    const code = readDigits(bytes, start + at.callCode, 4);
    if (code < 0) return fault('bad-digits', 'callCode', 'is not 4 digits');
    record.callCode = callCodes[code]!;
    record.category = record.callCode.category;
    if (record.category === unknownCategory) this.#unknownCodes.add(record.callCode.code);
    const visitedFault = this.#visitedNetwork(bytes, start, tens === 50);
    if (visitedFault) return visitedFault;
    const moneyFault = this.#money(bytes, start);
    if (moneyFault) return moneyFault;
    const bundle = bytes[start + at.bundle]!;
    record.inBundle = bundle === 32 ? null : bundle === 74;
    if (bundle !== 32 && bundle !== 74 && bundle !== 78) return fault('bad-flag', 'bundle', 'is not J, N or blank');
    if (correctionFault) return correctionFault;
    record.usageS = tens === 50 ? 0 : usage;
    record.usageCount = tens === 50 ? usage : 1;
    record.usageOctets = 0;
    record.kind = tens === 49 ? 'voice' : tens === 50 ? 'sms' : 'data';
    record.usage = usage;
    if (tens !== 51) return null;
    const octets = readDigits(bytes, start + at.octets, 15);
    if (octets < 0) return fault('bad-digits', 'octets', 'is not 15 digits');
    record.usageOctets = octets;
    record.usage = octets;
    return null;
  }

  #charge(bytes: Buffer, start: number, tens: number): LineFault | null {
    const record = this.record;
    record.msisdnDigits = paddedDigits(bytes, start + at.msisdn, 15);
    if (record.msisdnDigits < 0) return fault('bad-number', 'msisdn', 'is neither a number nor blank');
    const from = readDate(bytes, start + at.chargeFrom);
    if (from < earliestDate) return fault('bad-date', 'chargeFrom', 'is no date from 2000 on');
    const to = isBlank(bytes, start + at.chargeTo, 8) ? from : readDate(bytes, start + at.chargeTo);
    if (to < from) return fault('bad-date', 'chargeTo', 'is no date from the first day on');
    const moneyFault = this.#money(bytes, start);
    if (moneyFault) return moneyFault;
    const correctionFault = this.#correction(bytes, start);
    if (correctionFault) return correctionFault;
    record.date = from;
    record.second = 0;
    this.#takeStart('', false);
    if (record.startMs > this.#latestMs + chargeAheadMs)
      return fault('impossible', 'chargeFrom', 'is over a year ahead');
    record.kind = tens === 52 ? 'recurring' : record.amountUnits < 0 ? 'credit' : 'oneoff';
    record.category = record.kind;
    record.callCode = null;
    record.dialled = noDialled;
    record.dialledHash = null;
    record.prefix = '';
    record.visited = '';
    record.inBundle = null;
    record.usageS = 0;
    record.usageOctets = 0;
    record.usageCount = 1;
    record.usage = 1;
    return null;
  }

  #start(bytes: Buffer, start: number): LineFault | null {
    const record = this.record;
    record.date = readDate(bytes, start + at.start);
    record.second = readTime(bytes, start + at.start + 8);
    if (record.date < 0 || record.second < 0) return fault('bad-date', 'start', 'is no local time yyyymmddhhmmss');
    if (record.date < earliestDate) return fault('impossible', 'start', 'is before 2000');
    const flag = bytes[start + at.dst]!;
    if (flag !== 32 && flag !== 83 && flag !== 87) return fault('bad-flag', 'dst', 'is not S, W or blank');
    this.#takeStart(flag === 83 ? 'S' : flag === 87 ? 'W' : '', record.correction === 32);
    return record.startMs > this.#latestMs ? fault('impossible', 'start', 'is in the future') : null;
  }

  #takeStart(flag: DstFlag, ordered: boolean): void {
    const record = this.record;
    const local = this.#clock.resolve(record.date, record.second, flag, ordered);
    record.startMs = local.startMs;
    record.offsetMinutes = local.offsetMinutes;
    record.ambiguous = local.ambiguous;
    record.shifted = local.shifted;
  }

  #visitedNetwork(bytes: Buffer, start: number, sms: boolean): LineFault | null {
    const record = this.record;
    const digits = paddedDigits(bytes, start + at.visited, 6);
    if (digits !== 0 && digits !== 5 && digits !== 6) return fault('bad-digits', 'visited', 'is no MCC and MNC');
    const roaming = record.callCode!.roaming;
    record.visited = '';
    if (roaming && digits === 0) return fault('missing-visited', 'visited', 'is blank in a roaming record');
    if (digits === 0 || !(roaming || sms)) return null;
    const network = readDigits(bytes, start + at.visited, digits);
    const key = network * 10 + digits;
    let visited = this.#visited.get(key);
    if (visited === undefined) {
      visited = String(network).padStart(digits, '0');
      this.#visited.set(key, visited);
    }
    if (roaming || !visited.startsWith(homeCountryCode)) record.visited = visited;
    return null;
  }

  #money(bytes: Buffer, start: number): LineFault | null {
    const record = this.record;
    if (Number.isNaN(record.amountUnits)) return fault('bad-amount', 'amount', 'is not 11 digits and a sign');
    record.providerAmountE8 = record.amountUnits * amountUnitE8;
    for (let index = start + at.vat; index < start + at.vat + 2; index += 1) {
      const byte = bytes[index]!;
      const plain = byte === 32 || (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90);
      if (!plain) return fault('bad-flag', 'vat', 'is not made of digits and capitals');
    }
    return null;
  }

  #correction(bytes: Buffer, start: number): LineFault | null {
    const correction = bytes[start + at.correction]!;
    this.record.correction = correction;
    if (correction === 32) return null;
    if (correction !== 67 && correction !== 68) return fault('bad-flag', 'correction', 'is not C, D or blank');
    if (!isBlank(bytes, start + at.originalId, 12)) return null;
    return fault('missing-original', 'originalId', 'is blank in a correction');
  }
}

const notLatin1 = fault('not-latin-1', 'text', 'is not ISO-8859-1, or a byte above 7e stands outside the text');

function fault(code: string, field: RecordField | null, what: string): LineFault {
  return { code, field, what };
}

/** Letters of the text field that are ISO-8859-1, and not UTF-8 read as that (Ã or Â before a symbol). */
function latin1Text(bytes: Buffer, start: number): boolean {
  const end = start + ((recordLayout.text.to + 3) & ~3);
  for (let index = start + (at.text & ~3); index < end; index += 1) {
    const byte = bytes[index]!;
    if (byte < 0x7f) continue;
    if (byte < 0xa0 || index < start + at.text || index >= start + recordLayout.text.to) return false;
    const next = bytes[index + 1]!;
    if ((byte === 0xc3 || byte === 0xc2) && next >= 0x80 && next < 0xc0) return false;
  }
  return true;
}

function offsets<L extends Record<string, Position>>(layout: L): { readonly [K in keyof L]: number } {
  return Object.fromEntries(Object.entries(layout).map(([name, { from }]) => [name, from - 1])) as never;
}

function emptyRecord(): Sp16Record {
  return {
    kind: 'voice',
    category: unknownCategory,
    prefix: '',
    visited: '',
    startMs: 0,
    usage: 0,
    providerAmountE8: 0,
    bytes: Buffer.alloc(0),
    at: 0,
    line: 0,
    callCode: null,
    dialled: noDialled,
    dialledHash: null,
    msisdnDigits: 0,
    date: 0,
    second: 0,
    offsetMinutes: 0,
    ambiguous: false,
    shifted: false,
    usageS: 0,
    usageOctets: 0,
    usageCount: 0,
    amountUnits: 0,
    correction: 32,
    inBundle: null,
    hashHigh: 0,
    hashLow: 0,
  };
}

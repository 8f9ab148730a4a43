/**
 * Reads the values that a framer found (`Slots`) into the reused `DecodedRecord`. Answers null, or the first fault; the caller
 * puts the record into quarantine. No strings are made per record: numbers are read from bytes, texts come from tables.
 */

import type { RecordKind } from '../../telecom/record.ts';
import { enumMeanings, recordKinds } from '../spec/fields.ts';
import { type Code, unknownCategory } from './code-table.ts';
import { DialledNumbers, noDialled } from './dialled-numbers.ts';
import { paddedDigits, readDigits } from './digits.ts';
import type { FieldPlan, TypePlan } from './field-plan.ts';
import { FieldValues } from './field-values.ts';
import { type FixedReader, fixedReader } from './fixed-reader.ts';
import type { Layout, Slots } from './layout.ts';
import { fault, type LineFault } from './line-fault.ts';
import { PartyReader } from './party-reader.ts';
import { Plausibility } from './plausibility.ts';
import { cancelling, correcting, type DecodedRecord, emptyRecord, original } from './record.ts';
import { type ContractTerm, StartReader } from './start-reader.ts';
import { VisitedNetworks } from './visited-networks.ts';

export interface RecordDecoderOptions extends ContractTerm {
  readonly account: string;
  readonly timeZone: string;
  readonly numberMask: number;
  readonly hashKey: Uint8Array | null;
  readonly nowMs: number;
  /** One that serves this mask and key and knows numbers already; else the file begins with none. */
  readonly dialled?: DialledNumbers;
  /** Read every record by its fields, without code made from the layout. */
  readonly byFields?: boolean;
}

const longestCode = 40;
const longestId = 64;
const flags = [true, false, null] as const satisfies readonly (boolean | null)[];
const corrections = [original, correcting, cancelling];
const voided = enumMeanings.state.indexOf('void');

export class RecordDecoder {
  readonly record: DecodedRecord = emptyRecord();
  readonly #layout: Layout;
  readonly #slots: Slots;
  readonly #values: FieldValues;
  readonly #account: string;
  readonly #starts: StartReader;
  readonly #dialled: DialledNumbers;
  readonly #parties: PartyReader;
  readonly #visited: VisitedNetworks;
  readonly #plausibility: Plausibility;
  readonly #byFields: boolean;
  /** By type; none but for lines of fixed width. */
  #readers: readonly (FixedReader | null)[];

  constructor(layout: Layout, slots: Slots, options: RecordDecoderOptions) {
    this.#layout = layout;
    this.#slots = slots;
    this.#values = new FieldValues(slots);
    this.#account = options.account;
    this.#starts = new StartReader(slots, this.#values, options);
    this.#dialled = options.dialled ?? new DialledNumbers(options.numberMask, options.hashKey);
    this.#parties = new PartyReader(slots, this.#dialled);
    this.#visited = new VisitedNetworks(layout.homeNetworks);
    this.#plausibility = new Plausibility(layout.spec.records);
    this.#byFields = options.byFields ?? false;
    this.#readers = layout.types.map(() => null);
  }

  /** All lines have the layout's width, and will stand in the bytes that the slots have now. */
  expectFixedWidth(): void {
    if (this.#byFields) return;
    const shared = { dialled: this.#dialled, visited: this.#visited, starts: this.#starts };
    const { longestCallS } = this.#plausibility;
    const parts = { ...shared, record: this.record, codes: this.#layout.codes, longestCallS, inBundle: flags };
    this.#readers = this.#layout.types.map((type) => fixedReader(type, this.#slots, parts));
  }

  /** Before `decode`: a line that is faulty otherwise still counts in the file's sum. NaN when the amount cannot be read. */
  readAmount(type: TypePlan | null): void {
    let amount = Number.NaN;
    if (type !== null) {
      const reader = this.#readers[type.index]!;
      if (reader !== null) amount = reader.amount(this.#slots.base);
      if (Number.isNaN(amount)) amount = this.#values.number(type.amount);
    }
    this.record.providerAmountE8 = amount;
  }

  /** True when the record says that it is another account's. */
  isForeign(type: TypePlan): boolean {
    const field = type.account;
    if (field === null || (field.optional && this.#values.isBlank(field))) return false;
    return this.#values.text(field) !== this.#account;
  }

  decode(type: TypePlan): LineFault | null {
    const record = this.record;
    record.bytes = this.#slots.bytes;
    const reader = this.#readers[type.index]!;
    if (reader?.read(this.#slots.base)) return this.#finish(type);
    const keyFault = this.#key(type);
    if (keyFault) return keyFault;
    const kind = type.kind ?? this.#kindOf(type.kindField!);
    if (kind === null) return fault('bad-value', type.kindField, 'is no kind of record of this layout');
    const charge = kind === 'recurring' || kind === 'oneoff' || kind === 'credit';
    const msisdnFault = this.#parties.msisdn(type.msisdn, record);
    if (msisdnFault) return msisdnFault;
    if (charge) return this.#charge(type, kind);
    record.kind = kind;
    return this.#usage(type, kind);
  }

  #usage(type: TypePlan, kind: 'voice' | 'sms' | 'mms' | 'data'): LineFault | null {
    const record = this.record;
    const fields =
      this.#parties.dialled(type.dialled, record) ??
      this.#starts.usage(type, record) ??
      this.#usageOf(type, kind) ??
      this.#code(type) ??
      this.#visitedNetwork(type) ??
      this.#money(type);
    if (fields) return fields;
    if (record.code === null && record.visited === '')
      record.category = this.#parties.categoryAtHome(kind, type.dialled, record);
    record.inBundle = null;
    if (type.inBundle !== null) {
      const flag = this.#values.meaning(type.inBundle);
      if (flag < 0) return fault('bad-flag', type.inBundle, 'is no flag of this layout');
      record.inBundle = flags[flag]!;
    }
    return this.#correction(type) ?? this.#finish(type);
  }

  #finish(type: TypePlan): LineFault | null {
    return this.#starts.resolve(type, this.record) ?? this.#plausibility.faultOf(type.amount, this.record);
  }

  #charge(type: TypePlan, kind: RecordKind): LineFault | null {
    const record = this.record;
    const money = this.#starts.charge(type, record) ?? this.#money(type) ?? this.#correction(type);
    if (money) return money;
    record.kind = kind === 'oneoff' && record.providerAmountE8 < 0 ? 'credit' : kind;
    record.category = record.kind;
    record.code = null;
    record.dialled = noDialled;
    record.dialledHash = null;
    record.prefix = '';
    record.visited = '';
    record.inBundle = null;
    record.usageS = 0;
    record.usageOctets = 0;
    record.usageCount = 1;
    record.usage = 1;
    return this.#finish(type);
  }

  #key(type: TypePlan): LineFault | null {
    const { bytes, base, from, to } = this.#slots;
    const record = this.record;
    record.version = 0;
    if (type.id === null) {
      record.keyFrom = 0;
      record.keyTo = 0;
      return null;
    }
    record.keyBytes = bytes;
    record.keyFrom = base + from[type.id.slot]!;
    record.keyTo = base + to[type.id.slot]!;
    if (this.#values.isBlank(type.id)) return fault('missing-id', type.id, 'is blank');
    if (record.keyTo - record.keyFrom > longestId) return fault('bad-id', type.id, `is longer than ${longestId} bytes`);
    if (type.version === null) return null;
    record.version = this.#values.number(type.version);
    return Number.isNaN(record.version) ? fault('bad-number', type.version, 'is no version') : null;
  }

  #kindOf(field: FieldPlan): RecordKind | null {
    return recordKinds[this.#values.meaning(field)] ?? null;
  }

  #usageOf(type: TypePlan, kind: 'voice' | 'sms' | 'mms' | 'data'): LineFault | null {
    const record = this.record;
    record.usageS = 0;
    record.usageOctets = 0;
    record.usageCount = 1;
    if (type.seconds !== null) {
      const seconds = this.#values.seconds(type.seconds);
      if (Number.isNaN(seconds)) return badNumber(type.seconds);
      if (kind === 'voice' && seconds > this.#plausibility.longestCallS)
        return fault('impossible', type.seconds, 'is longer than any call (layout.records.longestCallHours)');
      record.usageS = seconds;
    }
    if (type.count !== null) {
      record.usageCount = this.#values.number(type.count);
      if (Number.isNaN(record.usageCount)) return badNumber(type.count);
      if (type.count.optional && this.#values.isBlank(type.count)) record.usageCount = 1;
    }
    if (type.octets !== null) {
      record.usageOctets = this.#values.number(type.octets);
      if (Number.isNaN(record.usageOctets)) return badNumber(type.octets);
    }
    record.usage = kind === 'voice' ? record.usageS : kind === 'data' ? record.usageOctets : record.usageCount;
    return null;
  }

  #code(type: TypePlan): LineFault | null {
    const record = this.record;
    record.code = null;
    record.category = unknownCategory;
    const field = type.code;
    if (field === null || (field.optional && this.#values.isBlank(field))) return null;
    const { bytes, base, from, to } = this.#slots;
    const first = base + from[field.slot]!;
    let end = base + to[field.slot]!;
    const number = field.as === 'digits' ? readDigits(bytes, first, end - first) : 0;
    if (number < 0) return badNumber(field);
    while (end > first && bytes[end - 1] === 32) end -= 1;
    if (end === first) return fault('missing-value', field, 'is blank');
    if (end - first > longestCode) return fault('bad-value', field, `is longer than ${longestCode} bytes`);
    const { codes } = this.#layout;
    const code: Code | null =
      field.as === 'digits' ? codes.findDigits(number, bytes, first, end) : codes.find(bytes, first, end);
    if (code === null) return fault('bad-value', field, 'is one unknown code too many');
    record.code = code;
    record.category = code.category;
    return null;
  }

  #visitedNetwork(type: TypePlan): LineFault | null {
    const record = this.record;
    const field = type.visited;
    const roaming = record.code?.roaming ?? false;
    record.visited = '';
    if (field === null) return null;
    const { bytes, base, from, to } = this.#slots;
    const first = base + from[field.slot]!;
    const digits = paddedDigits(bytes, first, base + to[field.slot]! - first);
    if (digits !== 0 && digits !== 5 && digits !== 6) return fault('bad-digits', field, 'is no MCC and MNC');
    if (roaming && digits === 0) return fault('missing-visited', field, 'is blank in a roaming record');
    if (digits === 0 && !field.optional) return fault('missing-value', field, 'is blank');
    if (digits === 0 || !(roaming || type.foreignIsRoaming)) return null;
    const network = this.#visited.of(bytes, first, digits);
    if (roaming || !network.home) record.visited = network.text;
    return null;
  }

  #money(type: TypePlan): LineFault | null {
    const record = this.record;
    const { bytes, base, from, to } = this.#slots;
    if (Number.isNaN(record.providerAmountE8))
      return fault('bad-amount', type.amount, 'is no amount as this layout has them');
    const { currency, vat } = type;
    if (currency !== null && !(currency.optional && this.#values.isBlank(currency))) {
      if (this.#values.text(currency) !== 'EUR') return fault('wrong-currency', currency, 'is not EUR');
    }
    record.vatFrom = vat === null ? 0 : base + from[vat.slot]!;
    record.vatTo = vat === null ? 0 : base + to[vat.slot]!;
    for (let index = record.vatFrom; index < record.vatTo; index += 1) {
      const byte = bytes[index]!;
      const plain = byte === 32 || (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90);
      if (!plain) return fault('bad-flag', vat, 'is not made of digits and capitals');
    }
    return null;
  }

  #correction(type: TypePlan): LineFault | null {
    const record = this.record;
    record.correction = original;
    record.originalFrom = 0;
    record.originalTo = 0;
    if (type.state !== null) {
      const state = this.#values.meaning(type.state);
      if (state < 0) return fault('bad-flag', type.state, 'is no state of this layout');
      if (state === voided) {
        record.correction = cancelling;
        record.originalFrom = record.keyFrom;
        record.originalTo = record.keyTo;
        return null;
      }
    }
    if (type.correction === null) return null;
    const meaning = this.#values.meaning(type.correction);
    if (meaning < 0) return fault('bad-flag', type.correction, 'is no correction of this layout');
    if (meaning === 0) return null;
    record.correction = corrections[meaning]!;
    const { base, from, to } = this.#slots;
    const field = type.originalId!;
    if (this.#values.isBlank(field)) return fault('missing-original', field, 'is blank in a correction');
    record.originalFrom = base + from[field.slot]!;
    record.originalTo = base + to[field.slot]!;
    return null;
  }
}

function badNumber(field: FieldPlan): LineFault {
  const width = field.end - field.at;
  return fault('bad-digits', field, width > 0 ? `is not ${width} digits` : 'is no number as this layout has them');
}

/** Whose record it is and which number was dialled: read from the bytes of their fields into the record. */
import { categoryAtHome } from '../../telecom/classify.ts';
import { normaliseDialled } from '../../telecom/dialled.ts';
import type { RecordKind } from '../../telecom/record.ts';
import { type DialledNumbers, type KeptDialled, noDialled } from './dialled-numbers.ts';
import { paddedDigits } from './digits.ts';
import type { FieldPlan } from './field-plan.ts';
import type { Slots } from './layout.ts';
import { fault, type LineFault } from './line-fault.ts';
import { readMsisdn } from './msisdn.ts';
import type { DecodedRecord } from './record.ts';

export class PartyReader {
  readonly #slots: Slots;
  readonly #dialled: DialledNumbers;
  /** By what is kept of the number: those of one entry are of one class. */
  readonly #categories = new Map<RecordKind, WeakMap<KeptDialled, string>>();

  constructor(slots: Slots, dialled: DialledNumbers) {
    this.#slots = slots;
    this.#dialled = dialled;
  }

  msisdn(field: FieldPlan, record: DecodedRecord): LineFault | null {
    const { bytes, base, from, to } = this.#slots;
    const first = base + from[field.slot]!;
    const length = base + to[field.slot]! - first;
    record.msisdnCountry = '';
    record.msisdnFrom = first;
    if (field.as === 'digits') record.msisdnDigits = paddedDigits(bytes, first, length);
    else readMsisdn(bytes, first, length, record);
    if (field.optional) {
      return record.msisdnDigits < 0 ? fault('bad-number', field, 'is neither a number nor blank') : null;
    }
    const digits = record.msisdnDigits + record.msisdnCountry.length;
    return digits < 8 || digits > 15 ? fault('bad-number', field, 'is no number of 8 to 15 digits') : null;
  }

  dialled(field: FieldPlan | null, record: DecodedRecord): LineFault | null {
    record.dialled = noDialled;
    record.dialledHash = null;
    record.prefix = '';
    if (field === null) return null;
    const { bytes, base, from, to } = this.#slots;
    const first = base + from[field.slot]!;
    const end = base + to[field.slot]!;
    const hidden = field.as === 'masked';
    const dialled = hidden ? this.#dialled.hidden(bytes, first, end) : this.#dialled.of(bytes, first, end);
    if (dialled === null) return fault('bad-number', field, 'is no dialled number');
    if (dialled === noDialled) return field.optional ? null : fault('bad-number', field, 'is blank');
    record.dialled = dialled;
    record.prefix = dialled.prefix;
    if (!hidden || dialled.prefix !== '') record.dialledHash = this.#dialled.hashOf(bytes, first, end);
    return null;
  }

  /** What usage at home is whose provider says no code: its number tells it, unless the provider hides digits. After `dialled`. */
  categoryAtHome(kind: RecordKind, field: FieldPlan | null, record: DecodedRecord): string {
    const known = this.#categories.get(kind) ?? new WeakMap<KeptDialled, string>();
    this.#categories.set(kind, known);
    let category = known.get(record.dialled);
    if (category === undefined) {
      category = categoryAtHome(kind, field === null ? '' : this.#digitsOf(field));
      known.set(record.dialled, category);
    }
    return category;
  }

  #digitsOf(field: FieldPlan): string {
    const { bytes, base, from, to } = this.#slots;
    const text = bytes.toString('latin1', base + from[field.slot]!, base + to[field.slot]!);
    return normaliseDialled(text.trimEnd())?.digits ?? '';
  }
}

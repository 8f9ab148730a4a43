/** Values of the record at hand, read by their fields' plans. */
import { readClock, readIsoDuration, readNumber } from './decimals.ts';
import { isBlank } from './digits.ts';
import type { FieldPlan } from './field-plan.ts';
import type { Slots } from './layout.ts';

export class FieldValues {
  readonly #slots: Slots;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  isBlank(field: FieldPlan): boolean {
    const { bytes, base, from, to } = this.#slots;
    return isBlank(bytes, base + from[field.slot]!, to[field.slot]! - from[field.slot]!);
  }

  /** NaN when malformed; 0 for an optional field that is blank. */
  number(field: FieldPlan): number {
    if (field.optional && this.isBlank(field)) return 0;
    const { bytes, base, from, to } = this.#slots;
    return readNumber(bytes, base + from[field.slot]!, base + to[field.slot]!, field.form!);
  }

  /** As `number`. */
  seconds(field: FieldPlan): number {
    if (field.form !== null) return this.number(field);
    if (field.optional && this.isBlank(field)) return 0;
    const { bytes, base, from, to } = this.#slots;
    const read = field.isoDuration ? readIsoDuration : readClock;
    return read(bytes, base + from[field.slot]!, base + to[field.slot]!);
  }

  /** Index into the field's meanings; -1 when the file writes something else. */
  meaning(field: FieldPlan): number {
    const { bytes, base, from, to } = this.#slots;
    if (field.flags !== null) return field.flags[bytes[base + from[field.slot]!]!]!;
    const index = field.table!.find(bytes, base + from[field.slot]!, base + to[field.slot]!);
    return index < 0 ? -1 : field.meanings[index]!;
  }

  /** yyyymmdd; -1 when it is no date in its format. */
  date(field: FieldPlan): number {
    const { bytes, base, from, to } = this.#slots;
    const at = base + from[field.slot]!;
    return field.format!.fits(bytes, at, base + to[field.slot]!) ? field.format!.date(bytes, at) : -1;
  }

  /** ISO-8859-1, without blanks on the right. */
  text(field: FieldPlan): string {
    const { bytes, base, from, to } = this.#slots;
    return bytes.toString('latin1', base + from[field.slot]!, base + to[field.slot]!).trimEnd();
  }
}

/**
 * When a record began: the local time as the file writes it, the flag of the repeated hour, and from both the instant; or an
 * instant with its offset, and from that the contract's local time. Impossible times are faults, and so are usage and recurring
 * fees of a time that the contract does not have (F12). What is charged or credited once may come before it and after it.
 */
import { enumMeanings } from '../spec/fields.ts';
import type { FieldPlan, TypePlan } from './field-plan.ts';
import type { FieldValues } from './field-values.ts';
import type { Slots } from './layout.ts';
import { fault, type LineFault } from './line-fault.ts';
import { LocalInstant } from './local-instant.ts';
import { type DstFlag, LocalClock, type LocalStart } from './local-start.ts';
import { type DecodedRecord, original } from './record.ts';

const dayMs = 86_400_000;
/** Fees are charged in advance, usage cannot be. */
const chargeAheadMs = 400 * dayMs;
export const earliestDate = 20_000_101;
const dstFlags: readonly DstFlag[] = enumMeanings.dst.map((meaning) => {
  return meaning === 'summer' ? 'S' : meaning === 'winter' ? 'W' : '';
});

/** First instant of the contract, and the first one after it (UTC epoch ms); left out or null: nobody told. */
export interface ContractTerm {
  readonly contractFromMs?: number | null;
  readonly contractToMs?: number | null;
}

interface StartOptions extends ContractTerm {
  readonly timeZone: string;
  readonly nowMs: number;
}

export class StartReader {
  readonly #slots: Slots;
  readonly #values: FieldValues;
  readonly #clock: LocalClock;
  readonly #instant: LocalInstant;
  readonly #latestMs: number;
  readonly #contractFromMs: number;
  readonly #contractToMs: number;
  #flag: DstFlag = '';
  #isInstant = false;

  constructor(slots: Slots, values: FieldValues, options: StartOptions) {
    this.#slots = slots;
    this.#values = values;
    this.#clock = new LocalClock(options.timeZone);
    this.#instant = new LocalInstant(options.timeZone);
    this.#latestMs = options.nowMs + dayMs;
    this.#contractFromMs = options.contractFromMs ?? Number.NEGATIVE_INFINITY;
    this.#contractToMs = options.contractToMs ?? Number.POSITIVE_INFINITY;
  }

  /** Reads date, second and flag of a call, message or session. */
  usage(type: TypePlan, record: DecodedRecord): LineFault | null {
    const timeFault = this.#time(type, record);
    if (timeFault) return timeFault;
    this.#flag = '';
    const { dst } = type;
    if (dst === null) return null;
    const meaning = this.#values.meaning(dst);
    if (meaning < 0) return fault('bad-flag', dst, 'is no flag of summer or winter time');
    this.#flag = dstFlags[meaning]!;
    return null;
  }

  /** Date and second are in the record already; `meaning` of its flag, -1 without one. */
  local(meaning: number): void {
    this.#flag = meaning < 0 ? '' : dstFlags[meaning]!;
    this.#isInstant = false;
  }

  /** Reads the first day of a charge, which begins at local midnight unless the layout says when. */
  charge(type: TypePlan, record: DecodedRecord): LineFault | null {
    this.#flag = '';
    const first = type.chargeFrom;
    if (first === null || (first.optional && this.#values.isBlank(first))) return this.#time(type, record);
    this.#isInstant = false;
    record.date = this.#values.date(first);
    record.second = 0;
    if (record.date < earliestDate) return fault('bad-date', first, 'is no date from 2000 on');
    const last = type.chargeTo;
    if (last === null || (last.optional && this.#values.isBlank(last))) return null;
    return this.#values.date(last) < record.date ? fault('bad-date', last, 'is no date from the first day on') : null;
  }

  /** The last step: the instant, once it is known whether the record takes part in the file's order of time. */
  resolve(type: TypePlan, record: DecodedRecord): LineFault | null {
    const charge =
      record.code === null && (record.kind === 'recurring' || record.kind === 'oneoff' || record.kind === 'credit');
    if (this.#isInstant) take(this.#instant.result, record);
    else {
      const ordered = !charge && record.correction === original;
      take(this.#clock.resolve(record.date, record.second, this.#flag, ordered), record);
    }
    const field = type.start ?? type.startDate ?? type.chargeFrom;
    if (charge) {
      const from = type.chargeFrom ?? field;
      if (record.startMs > this.#latestMs + chargeAheadMs) return fault('impossible', from, 'is over a year ahead');
      return record.kind === 'recurring' ? this.#outsideContract(from, record) : null;
    }
    if (record.startMs > this.#latestMs) return fault('impossible', field, 'is in the future');
    return this.#outsideContract(field, record);
  }

  #outsideContract(field: FieldPlan | null, { startMs }: DecodedRecord): LineFault | null {
    if (startMs < this.#contractFromMs) return fault('before-contract', field, "is before the contract's first day");
    return startMs >= this.#contractToMs ? fault('after-contract', field, "is after the contract's last day") : null;
  }

  #time(type: TypePlan, record: DecodedRecord): LineFault | null {
    const field = type.start ?? type.startDate;
    if (field === null) return fault('bad-date', type.chargeFrom, 'is blank');
    const { bytes, base, from, to } = this.#slots;
    const first = base + from[field.slot]!;
    const end = base + to[field.slot]!;
    this.#isInstant = field.as === 'iso';
    if (this.#isInstant) {
      if (!this.#instant.read(bytes, first, end)) return fault('bad-date', field, 'is no time with an offset');
      record.date = this.#instant.date;
      record.second = this.#instant.second;
    } else {
      record.date = this.#values.date(field);
      const time = type.startTime ?? field;
      const clock = time.format!;
      const at = base + from[time.slot]!;
      const fits = time === field || clock.fits(bytes, at, base + to[time.slot]!);
      record.second = fits && clock.hasTime ? clock.second(bytes, at) : fits && time === field ? 0 : -1;
      if (record.date < 0 || record.second < 0)
        return fault('bad-date', record.date < 0 ? field : time, 'is no local time');
    }
    return record.date < earliestDate ? fault('impossible', field, 'is before 2000') : null;
  }
}

function take(local: LocalStart, record: DecodedRecord): void {
  record.startMs = local.startMs;
  record.offsetMinutes = local.offsetMinutes;
  record.ambiguous = local.ambiguous;
  record.shifted = local.shifted;
}

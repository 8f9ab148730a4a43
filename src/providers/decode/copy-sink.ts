/** Writes decoded records as COPY rows of `cdr`, in the order of `cdrSpoolColumns`, and notes which cycles they belong to. */
import { CopyText } from '../../compute/copy-text.ts';
import { CycleCalendar } from './cycle-date.ts';
import { type DecodedRecord, original, type RecordSink } from './record.ts';

const blank = 32;

export class CopySink implements RecordSink {
  readonly #out: CopyText;
  readonly #calendar: CycleCalendar;
  readonly #cycles = new Set<string>();

  constructor(path: string, cycleDay: number) {
    this.#out = new CopyText(path);
    this.#calendar = new CycleCalendar(cycleDay);
  }

  /** ISO dates, ascending. */
  get cycles(): readonly string[] {
    return [...this.#cycles].sort();
  }

  begin(): void {
    this.#cycles.clear();
    this.#out.reset();
  }

  record(record: DecodedRecord): void {
    const out = this.#out;
    const cycle = this.#calendar.of(record.date);
    this.#cycles.add(cycle);
    out.integer(record.line);
    out.hex(record.keyBytes, record.keyFrom, record.keyTo - record.keyFrom);
    if (record.correction === original) out.null();
    else out.hex(record.bytes, record.originalFrom, record.originalTo - record.originalFrom);
    out.raw(record.correction);
    out.endField();
    out.int64(record.hashHigh, record.hashLow);
    out.plain(cycle);
    for (let index = 0; index < record.msisdnCountry.length; index += 1)
      out.raw(record.msisdnCountry.charCodeAt(index));
    out.bytes(record.bytes, record.msisdnFrom, record.msisdnDigits);
    out.plain(record.kind);
    if (record.code === null) out.null();
    else if (record.code.plain) out.plain(record.code.code);
    else out.text(record.code.code);
    out.plain(record.category);
    out.hexOrNull(record.dialledHash);
    out.plainOrNull(record.prefix);
    out.plainOrNull(record.dialled.masked);
    out.plainOrNull(record.visited);
    this.#localTime(record);
    offset(out, record.offsetMinutes);
    out.endField();
    this.#localTime(record);
    out.endField();
    out.boolean(record.ambiguous);
    out.boolean(record.shifted);
    out.integer(record.usageS);
    out.integer(record.usageOctets);
    out.integer(record.usageCount);
    out.integer(record.providerAmountE8);
    this.#vat(record);
    out.boolean(record.inBundle);
    out.integer(record.version);
    out.endRow();
  }

  end(): void {
    this.#out.close();
  }

  discard(): void {
    this.#out.remove();
  }

  /** yyyy-mm-dd hh:mm:ss as the provider told it, or as the contract's clock showed it. */
  #localTime({ date, second }: DecodedRecord): void {
    const out = this.#out;
    twoDigits(out, (date / 1_000_000) | 0);
    twoDigits(out, ((date / 10_000) | 0) % 100);
    out.raw(45);
    twoDigits(out, ((date / 100) | 0) % 100);
    out.raw(45);
    twoDigits(out, date % 100);
    out.raw(blank);
    twoDigits(out, (second / 3600) | 0);
    out.raw(58);
    twoDigits(out, ((second / 60) | 0) % 60);
    out.raw(58);
    twoDigits(out, second % 60);
  }

  #vat({ bytes, vatFrom, vatTo }: DecodedRecord): void {
    let end = vatTo;
    while (end > vatFrom && bytes[end - 1] === blank) end -= 1;
    if (end === vatFrom) this.#out.null();
    else this.#out.bytes(bytes, vatFrom, end - vatFrom);
  }
}

function offset(out: CopyText, minutes: number): void {
  const size = Math.abs(minutes);
  out.raw(minutes < 0 ? 45 : 43);
  twoDigits(out, Math.floor(size / 60));
  out.raw(58);
  twoDigits(out, Math.floor(size) % 60);
}

function twoDigits(out: CopyText, value: number): void {
  const tens = (value / 10) | 0;
  out.raw(48 + tens);
  out.raw(48 + (value - tens * 10));
}

/** Writes decoded records as COPY rows of `cdr`, in the order of `cdrSpoolColumns`, and notes which cycles they belong to. */
import { CopyText } from '../../../compute/copy-text.ts';
import { recordLayout } from '../layout.ts';
import { CycleCalendar } from './cycle-date.ts';
import type { RecordSink, Sp16Record } from './record.ts';

const idAt = recordLayout.id.from - 1;
const originalIdAt = recordLayout.originalId.from - 1;
const idBytes = 12;
const msisdnAt = recordLayout.msisdn.from - 1;
const startAt = recordLayout.start.from - 1;
const vatAt = recordLayout.vat.from - 1;
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

  record(record: Sp16Record): void {
    const out = this.#out;
    const { bytes, at } = record;
    const cycle = this.#calendar.of(record.date);
    this.#cycles.add(cycle);
    out.integer(record.line);
    out.hex(bytes, at + idAt, idBytes);
    if (record.correction === blank) out.null();
    else out.hex(bytes, at + originalIdAt, idBytes);
    out.raw(record.correction);
    out.endField();
    out.int64(record.hashHigh, record.hashLow);
    out.plain(cycle);
    out.bytes(bytes, at + msisdnAt, record.msisdnDigits);
    out.plain(record.kind);
    out.plainOrNull(record.callCode ? record.callCode.code : null);
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
    out.endRow();
  }

  end(): void {
    this.#out.close();
  }

  discard(): void {
    this.#out.remove();
  }

  /** yyyy-mm-dd hh:mm:ss as the provider told it; charges start at midnight. */
  #localTime(record: Sp16Record): void {
    const out = this.#out;
    const charge = record.callCode === null;
    for (let index = 0; index < 14; index += 1) {
      if (index === 4 || index === 6) out.raw(45);
      else if (index === 8) out.raw(32);
      else if (index > 8 && index % 2 === 0) out.raw(58);
      out.raw(charge && index >= 8 ? 48 : record.bytes[record.at + startAt + index]!);
    }
  }

  #vat(record: Sp16Record): void {
    const from = record.at + vatAt;
    if (record.bytes[from] === blank && record.bytes[from + 1] === blank) this.#out.null();
    else this.#out.bytes(record.bytes, from, 2);
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
  out.raw(48 + Math.floor(value / 10));
  out.raw(48 + (value % 10));
}

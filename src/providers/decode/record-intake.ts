/**
 * What every framing's records go through: decoded, counted, summed, quarantined or refused, seen once, given to the sink.
 *
 * Line errors go to quarantine while they are few (the layout says how few); then the file is refused. Duplicate keys: equal
 * records count once; of differing ones the highest version wins, of equal versions the last in the file, so the caller makes
 * a second pass that skips `replacedLines`. Memory: 40 to 80 bytes a record for the keys.
 */
import type { LineProblem } from '../../compute/tasks/file-problem.ts';
import { ExactSum } from '../../telecom/exact-sum.ts';
import { ContentKeys } from './content-keys.ts';
import type { FieldPlan, TypePlan } from './field-plan.ts';
import type { Layout, Slots } from './layout.ts';
import { fault, type LineFault } from './line-fault.ts';
import { lineProblem, type RawRecord } from './line-problem.ts';
import type { DecodedRecord, RecordSink } from './record.ts';
import { RecordDecoder, type RecordDecoderOptions } from './record-decoder.ts';
import { FileRefused, refused } from './refusal.ts';
import { idBytes, SeenIds } from './seen-ids.ts';
import { SeenKeys } from './seen-keys.ts';
import type { SeenRecords } from './seen-records.ts';

export interface IntakeOptions extends RecordDecoderOptions {
  readonly name: string;
  /** Lines that a first pass found replaced by another record of the same key. */
  readonly replacedLines: ReadonlySet<number>;
  /** A guess; a good one spares the table of keys its growing. */
  readonly expectedRecords: number;
  readonly only: { readonly from: number; readonly to: number } | null;
  readonly skip: ReadonlySet<number>;
}

/** A table of 200 MB; the rest is grown when the records are really there. */
const mostExpected = 4_000_000;

export class RecordIntake {
  readonly #options: IntakeOptions;
  readonly #layout: Layout;
  readonly #slots: Slots;
  readonly #sink: RecordSink;
  readonly #decoder: RecordDecoder;
  readonly #seen: SeenRecords;
  readonly #contentKeys: ContentKeys | null;
  readonly #probing: boolean;
  readonly #sum = new ExactSum();
  #sumKnown = true;
  readonly quarantined: LineProblem[] = [];
  readonly replaced = new Set<number>();
  records = 0;
  rows = 0;
  duplicates = 0;

  constructor(layout: Layout, slots: Slots, options: IntakeOptions, sink: RecordSink) {
    this.#options = options;
    this.#layout = layout;
    this.#slots = slots;
    this.#sink = sink;
    this.#decoder = new RecordDecoder(layout, slots, options);
    this.#probing = options.only !== null || options.skip.size > 0;
    const expected = Math.min(options.expectedRecords, mostExpected);
    const ids = layout.types.map((type) => type.id);
    const byContent = ids.includes(null);
    this.#seen = ids.every((id) => id !== null && id.end - id.at === idBytes)
      ? new SeenIds(expected)
      : new SeenKeys(byContent ? 16 : expected);
    this.#contentKeys = byContent ? new ContentKeys(options.account, expected) : null;
  }

  /** See `RecordDecoder`. */
  expectFixedWidth(): void {
    this.#decoder.expectFixedWidth();
  }

  /** The record's hash must stand in it before `take`. */
  get record(): DecodedRecord {
    return this.#decoder.record;
  }

  /** Null when there is no way to tell, or the amount of a record that was kept out is unreadable. */
  get sumE8(): bigint | null {
    return this.#sumKnown ? this.#sum.value : null;
  }

  /** The slots hold the record's values. `framing` is what was wrong with it before; `type` is null when it has none. */
  take(type: TypePlan | null, raw: RawRecord, framing: LineFault | null): void {
    this.records += 1;
    if (this.#probing && this.#passedOver(raw)) return;
    const decoder = this.#decoder;
    decoder.readAmount(type);
    const { record } = decoder;
    if (Number.isNaN(record.providerAmountE8)) this.#sumKnown = false;
    else this.#sum.add(record.providerAmountE8);
    if (type !== null && decoder.isForeign(type)) {
      const { name, account } = this.#options;
      throw refused(name, 'wrong-account', `has a record on line ${raw.line} of another account than ${account}`);
    }
    const found =
      framing ??
      (type === null
        ? fault('unknown-record-type', this.#layout.when, 'is no record type of this layout')
        : decoder.decode(type));
    if (found !== null) {
      this.quarantine(found, raw, type === null ? this.#layout.common : this.#shown(type));
      return;
    }
    record.line = raw.line;
    if (this.#options.replacedLines.size > 0 && this.#options.replacedLines.has(raw.line)) return;
    if (this.#isSeen(type!, record, raw.line)) {
      this.duplicates += 1;
      return;
    }
    this.rows += 1;
    this.#sink.record(record);
  }

  /** A record that could not even be cut into its values. */
  misframed(raw: RawRecord, found: LineFault): void {
    this.records += 1;
    this.#sumKnown = false;
    this.quarantine(found, raw, []);
  }

  /** Throws `FileRefused` when more than the layout's share is wrong. */
  finish(): void {
    if (this.#options.only !== null) return;
    const { share } = this.#layout.spec.files.lineErrors;
    const wrong = this.quarantined.length - this.#options.skip.size;
    if (wrong > this.records * share) throw this.#tooManyErrors(this.records);
  }

  quarantine(found: LineFault, raw: RawRecord, fields: readonly FieldPlan[]): void {
    this.quarantined.push(lineProblem(this.#options.name, raw, found, this.#slots, fields));
    if (this.quarantined.length >= this.#layout.spec.files.lineErrors.below) throw this.#tooManyErrors(null);
  }

  #passedOver(raw: RawRecord): boolean {
    const { only, skip } = this.#options;
    if (skip.has(raw.line)) {
      this.#sumKnown = false;
      this.quarantine(fault('killed-its-thread', null, 'ended the thread that decoded it'), raw, []);
      return true;
    }
    if (only === null || (raw.line >= only.from && raw.line <= only.to)) return false;
    this.#sumKnown = false;
    return true;
  }

  #isSeen(type: TypePlan, record: DecodedRecord, line: number): boolean {
    if (type.id === null) {
      const { base, from, to } = this.#slots;
      const { dialled } = type;
      if (dialled === null) this.#contentKeys!.of(record, 0, 0);
      else this.#contentKeys!.of(record, base + from[dialled.slot]!, base + to[dialled.slot]!);
      return false;
    }
    const { keyBytes, keyFrom, keyTo, hashHigh, hashLow, version } = record;
    const sighting = this.#seen.note(keyBytes, keyFrom, keyTo, hashHigh, hashLow, line, version);
    if (sighting === 'conflict') this.replaced.add(this.#seen.earlierLine);
    return sighting === 'same' || sighting === 'older';
  }

  #shown(type: TypePlan): readonly FieldPlan[] {
    return this.#layout.when === null ? type.fields : [this.#layout.when, ...type.fields];
  }

  /** `records` is null while the file has not been read to its end. */
  #tooManyErrors(records: number | null): FileRefused {
    const first = this.quarantined[0]!;
    const { share, below } = this.#layout.spec.files.lineErrors;
    const of = records === null ? `in the first ${this.quarantined.at(-1)!.line} lines` : `of ${records}`;
    const limit = `at most ${share * 100} % and fewer than ${below} may be quarantined`;
    const message = `${this.#options.name}: ${this.quarantined.length} bad lines ${of} (${limit}); first: ${first.message}`;
    const { code: _, line, field, value } = first;
    return new FileRefused({ code: 'too-many-line-errors', line, field, value, message });
  }
}

/**
 * One pass over a file's bytes: cut, decoded, counted, and at the end held against what the file says of itself and what its
 * sender says of it. Chunks may be of any size. Nothing that the sink took is usable before `end` returned; refusals are thrown
 * as `FileRefused`.
 */
import type { LineProblem } from '../../compute/tasks/file-problem.ts';
import { CsvFramer } from './csv-framer.ts';
import { FixedFramer } from './fixed-framer.ts';
import type { Framer } from './framer.ts';
import type { HeaderFacts } from './header.ts';
import { JsonFramer } from './json-framer.ts';
import { type Layout, openSlots, type Slots } from './layout.ts';
import type { RecordSink } from './record.ts';
import type { RecordDecoderOptions } from './record-decoder.ts';
import { RecordIntake } from './record-intake.ts';
import { refused } from './refusal.ts';
import { checkTrailer, crcText } from './trailer.ts';

export interface DecodeOptions extends RecordDecoderOptions {
  readonly name: string;
  readonly only?: { readonly from: number; readonly to: number } | undefined;
  readonly skip?: readonly number[] | undefined;
  /** What a manifest or an overview says that the file holds. */
  readonly expected?: { readonly records?: number | undefined; readonly amountE8?: bigint | undefined } | undefined;
}

export interface PassOptions {
  readonly expectedRecords: number;
  readonly replacedLines: ReadonlySet<number>;
}

export interface DecodedFile {
  readonly header: HeaderFacts;
  /** crc32 of all bytes before the trailer, of the whole file without one; lower-case hex. */
  readonly crc: string;
  /** Records in the file without header and trailer. */
  readonly records: number;
  /** Of the file, header and trailer included; of pages the items. */
  readonly lines: number;
  /** Records that the sink took. */
  readonly rows: number;
  readonly duplicates: number;
  readonly quarantined: readonly LineProblem[];
  readonly unknownCallCodes: readonly string[];
  /** What a person should know although it harms nothing: a new column that is not in the layout. */
  readonly notices: readonly string[];
  readonly bytes: number;
  /** Of all amounts, 1e-8 EUR; null when the amount of a quarantined record could not be read. */
  readonly amountE8: bigint | null;
}

export interface PassResult {
  readonly file: DecodedFile;
  /** Not empty: the pass must be repeated without these lines. */
  readonly replaced: ReadonlySet<number>;
}

export class FilePass {
  readonly #layout: Layout;
  readonly #options: DecodeOptions & PassOptions;
  readonly #intake: RecordIntake;
  readonly #framer: Framer;
  #bytes = 0;

  constructor(layout: Layout, options: DecodeOptions & PassOptions, sink: RecordSink) {
    const slots = openSlots(layout);
    const intake = { ...options, only: options.only ?? null, skip: new Set(options.skip) };
    this.#layout = layout;
    this.#options = options;
    this.#intake = new RecordIntake(layout, slots, intake, sink);
    this.#framer = openFramer(layout, slots, options, this.#intake);
  }

  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    this.#framer.push(chunk);
  }

  end(): PassResult {
    const framed = this.#framer.end();
    const intake = this.#intake;
    const { records, sumE8 } = intake;
    const { name, replacedLines } = this.#options;
    if (framed.trailer && !this.#options.only) checkTrailer(framed.trailer, { records, sumE8, crc: framed.crc }, name);
    this.#checkExpected(records, sumE8);
    intake.finish();
    return {
      replaced: intake.replaced,
      file: {
        header: framed.header,
        crc: crcText(framed.crc),
        records,
        lines: framed.lines,
        rows: intake.rows,
        duplicates: intake.duplicates + replacedLines.size,
        quarantined: intake.quarantined,
        unknownCallCodes: this.#layout.codes.unknownCodes,
        notices: framed.notices,
        bytes: this.#bytes,
        amountE8: sumE8,
      },
    };
  }

  #checkExpected(records: number, sumE8: bigint | null): void {
    const { name, expected, only } = this.#options;
    if (!expected || only) return;
    if (expected.records !== undefined && expected.records !== records) {
      throw refused(name, 'manifest-count', `holds ${records} records, its sender says ${expected.records}`);
    }
    if (expected.amountE8 !== undefined && sumE8 !== null && expected.amountE8 !== sumE8) {
      throw refused(name, 'manifest-sum', `adds up to ${sumE8}, its sender says ${expected.amountE8} (1e-8 EUR)`);
    }
  }
}

function openFramer(layout: Layout, slots: Slots, options: DecodeOptions, intake: RecordIntake): Framer {
  switch (layout.spec.files.framing.kind) {
    case 'fixed':
      return new FixedFramer(layout, slots, options, intake);
    case 'csv':
      return new CsvFramer(layout, slots, options, intake);
    case 'json':
      return new JsonFramer(layout, slots, options, intake);
  }
}

/**
 * Decodes one archived file into a sink by its layout: the one path for the importer (COPY rows) and for fused passes (rater
 * and totals). The sink ends only after everything was verified; a refusal, an abort or an error discards it. A file whose
 * records conflict is read twice, the second time without those that lost.
 */
import { statSync } from 'node:fs';
import type { TaskControl } from '../../compute/task-control.ts';
import type { FileProblem, LineProblem } from '../../compute/tasks/messages.ts';
import type { Compression } from '../spec/files.ts';
import type { LayoutSpec } from '../spec/layout-spec.ts';
import { FixedFramer } from './fixed-framer.ts';
import type { Framer } from './framer.ts';
import { type HeaderFacts, readName } from './header.ts';
import { compileLayout, type Layout, openSlots } from './layout.ts';
import type { RecordSink } from './record.ts';
import { type IntakeOptions, RecordIntake } from './record-intake.ts';
import { FileRefused } from './refusal.ts';
import { openSource } from './source.ts';
import { checkTrailer, crcText } from './trailer.ts';

export interface DecodeFileOptions {
  readonly path: string;
  readonly compression: Compression;
  readonly name: string;
  readonly spec: LayoutSpec;
  readonly account: string;
  readonly timeZone: string;
  readonly numberMask: number;
  readonly hashKey: Uint8Array | null;
  readonly nowMs: number;
  readonly only?: { readonly from: number; readonly to: number } | undefined;
  readonly skip?: readonly number[] | undefined;
}

export interface DecodedFile {
  readonly header: HeaderFacts;
  /** crc32 of all bytes before the trailer, lower-case hex. */
  readonly crc: string;
  readonly records: number;
  readonly lines: number;
  readonly rows: number;
  readonly duplicates: number;
  readonly quarantined: readonly LineProblem[];
  readonly unknownCallCodes: readonly string[];
  readonly notices: readonly string[];
  readonly bytes: number;
  readonly amountE8: bigint | null;
}

export type DecodeOutcome =
  | { readonly ok: true; readonly file: DecodedFile }
  | { readonly ok: false; readonly problem: FileProblem };

/** How far usage packs, roughly. */
const usualRatio = 6;
const usualRecordBytes = 200;

export async function decodeFile(
  options: DecodeFileOptions,
  sink: RecordSink,
  control: TaskControl,
): Promise<DecodeOutcome> {
  let verified = false;
  try {
    readName(options.spec.files, options);
    const layout = compileLayout(options.spec);
    const packed = options.compression === 'none' ? 1 : usualRatio;
    const expectedRecords = Math.ceil((statSync(options.path).size * packed) / usualRecordBytes);
    let pass = await onePass(options, layout, { expectedRecords, replacedLines: new Set() }, sink, control);
    if (pass.replaced.size > 0) {
      pass = await onePass(options, layout, { expectedRecords, replacedLines: pass.replaced }, sink, control);
    }
    sink.end();
    verified = true;
    return { ok: true, file: pass.file };
  } catch (error) {
    if (error instanceof FileRefused) return { ok: false, problem: error.problem };
    throw error;
  } finally {
    if (!verified) sink.discard();
  }
}

async function onePass(
  options: DecodeFileOptions,
  layout: Layout,
  pass: Pick<IntakeOptions, 'expectedRecords' | 'replacedLines'>,
  sink: RecordSink,
  control: TaskControl,
): Promise<{ file: DecodedFile; replaced: ReadonlySet<number> }> {
  const slots = openSlots(layout);
  const only = options.only ?? null;
  const intake = new RecordIntake(layout, slots, { ...options, ...pass, only, skip: new Set(options.skip) }, sink);
  const framer: Framer = new FixedFramer(layout, slots, options, intake);
  sink.begin();
  const source = openSource({
    path: options.path,
    compression: options.compression,
    name: options.name,
    limits: options.spec.files.unpack,
    onRead: control.progress,
  });
  let bytes = 0;
  for await (const chunk of source) {
    control.throwIfAborted();
    bytes += chunk.length;
    framer.push(chunk);
  }
  const framed = framer.end();
  const counted = { records: intake.records, sumE8: intake.sumE8, crc: framed.crc };
  if (framed.trailer) checkTrailer(framed.trailer, counted, options.name);
  intake.finish();
  return {
    replaced: intake.replaced,
    file: {
      header: framed.header,
      crc: crcText(framed.crc),
      records: intake.records,
      lines: framed.lines,
      rows: intake.rows,
      duplicates: intake.duplicates + pass.replacedLines.size,
      quarantined: intake.quarantined,
      unknownCallCodes: layout.codes.unknownCodes,
      notices: framed.notices,
      bytes,
      amountE8: intake.sumE8,
    },
  };
}

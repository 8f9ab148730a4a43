/**
 * Decodes one archived file into a sink by its layout: the one path for the importer (COPY rows) and for fused passes (rater
 * and totals). The sink ends only after everything was verified; a refusal, an abort or an error discards it. A file whose
 * records conflict is read twice, the second time without those that lost.
 */
import { statSync } from 'node:fs';
import type { TaskControl } from '../../compute/task-control.ts';
import type { FileProblem } from '../../compute/tasks/file-problem.ts';
import type { Compression } from '../spec/files.ts';
import type { LayoutSpec } from '../spec/layout-spec.ts';
import { type DecodedFile, type DecodeOptions, FilePass, type PassOptions, type PassResult } from './file-pass.ts';
import { readName } from './header.ts';
import { compileLayout, type Layout } from './layout.ts';
import type { RecordSink } from './record.ts';
import { FileRefused } from './refusal.ts';
import { openSource } from './source.ts';

export interface DecodeFileOptions extends DecodeOptions {
  readonly path: string;
  readonly compression: Compression;
  readonly spec: LayoutSpec;
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
  pass: PassOptions,
  sink: RecordSink,
  control: TaskControl,
): Promise<PassResult> {
  const decoder = new FilePass(layout, { ...options, ...pass }, sink);
  sink.begin();
  const source = openSource({
    path: options.path,
    compression: options.compression,
    name: options.name,
    limits: options.spec.files.unpack,
    onRead: control.progress,
  });
  for await (const chunk of source) {
    control.throwIfAborted();
    decoder.push(chunk);
  }
  return decoder.end();
}

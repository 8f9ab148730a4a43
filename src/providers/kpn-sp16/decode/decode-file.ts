/**
 * Decodes one archived SP16X file into a sink: the one path for the importer (COPY rows) and for the fused pass (rater and
 * totals). The sink ends only after everything was verified; a refusal, an abort or an error discards it. A file whose record
 * ids conflict is read twice, the second time without the lines that lost.
 */
import { statSync } from 'node:fs';
import type { TaskControl } from '../../../compute/task-control.ts';
import type { FileProblem } from '../../../compute/tasks/messages.ts';
import { lineLength, type UnpackLimits, unpackLimits } from '../layout.ts';
import { type DecodedFile, FileDecoder, type FileDecoderOptions } from './file-decoder.ts';
import type { RecordSink } from './record.ts';
import { FileRefused } from './refusal.ts';
import { openSource } from './source.ts';

export interface DecodeFileOptions extends Omit<FileDecoderOptions, 'skipLines' | 'expectedRecords'> {
  readonly path: string;
  readonly gzip: boolean;
  readonly limits?: UnpackLimits;
}

export type DecodeOutcome =
  | { readonly ok: true; readonly file: DecodedFile }
  | { readonly ok: false; readonly problem: FileProblem };

/** How far gzip packs SP16X, roughly. */
const usualRatio = 6;

export async function decodeFile(
  options: DecodeFileOptions,
  sink: RecordSink,
  control: TaskControl,
): Promise<DecodeOutcome> {
  let verified = false;
  try {
    const expectedRecords = Math.ceil((statSync(options.path).size * (options.gzip ? usualRatio : 1)) / lineLength);
    let file = await onePass({ ...options, expectedRecords, skipLines: new Set() }, sink, control);
    if (file.replacedLines.size > 0)
      file = await onePass({ ...options, expectedRecords, skipLines: file.replacedLines }, sink, control);
    sink.end();
    verified = true;
    return { ok: true, file };
  } catch (error) {
    if (error instanceof FileRefused) return { ok: false, problem: error.problem };
    throw error;
  } finally {
    if (!verified) sink.discard();
  }
}

async function onePass(
  options: DecodeFileOptions & FileDecoderOptions,
  sink: RecordSink,
  control: TaskControl,
): Promise<DecodedFile> {
  const decoder = new FileDecoder(options, sink);
  sink.begin();
  const source = openSource({
    path: options.path,
    gzip: options.gzip,
    name: options.name,
    limits: options.limits ?? unpackLimits,
    onRead: control.progress,
  });
  for await (const chunk of source) {
    control.throwIfAborted();
    decoder.push(chunk);
  }
  return decoder.end();
}

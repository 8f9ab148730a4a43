/** A provider's files to COPY rows: by the compute pool, from the description of the files. */
import { decodeSurviving } from '../../compute/decode-surviving.ts';
import type { DecodeResult } from '../../compute/tasks/messages.ts';
import type { Adapter } from '../spec/adapter.ts';
import type { SyncSubject } from '../sync-input.ts';
import type { InterpreterServices } from './services.ts';

export type Decoded = Extract<DecodeResult, { ok: true }>;

export interface DecodeRequest {
  readonly sha256: string;
  readonly name: string;
  readonly subject: SyncSubject;
  /** Where the COPY rows go (`cdrSpoolColumns`). */
  readonly spoolPath: string;
}

export interface DecodeRun {
  readonly signal: AbortSignal;
  onProgress(done: number, total: number): void;
}

export async function decodeFile(
  { layout }: Pick<Adapter, 'layout'>,
  { archive, compute }: Pick<InterpreterServices, 'archive' | 'compute'>,
  { sha256, name, subject, spoolPath }: DecodeRequest,
  run: DecodeRun,
): Promise<DecodeResult> {
  const { account, timeZone, cycleDay, numberMask, hashKey, nowMs, contractFromMs, contractToMs } = subject;
  return decodeSurviving(
    compute,
    {
      task: 'decode',
      path: archive.path(sha256),
      compression: layout.files.compression,
      name,
      spec: layout,
      ...{ account, timeZone, cycleDay, numberMask, hashKey, nowMs, contractFromMs, contractToMs, spoolPath },
    },
    run,
  );
}

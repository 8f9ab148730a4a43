/**
 * What the interpreter asks of the decoder: whether a file's head agrees with its name, and its records as COPY rows. The
 * decoder works in the compute pool from the provider's description of its files.
 */
import type { FileProblem, LineProblem } from '../../compute/tasks/messages.ts';
import type { SyncSubject } from '../sync-input.ts';

export interface DecodeRequest {
  /** In the archive. */
  readonly path: string;
  readonly name: string;
  readonly subject: SyncSubject;
  /** Where the COPY rows go (`cdrSpoolColumns`). */
  readonly spoolPath: string;
}

export interface Decoded {
  readonly ok: true;
  /** ISO dates, both inclusive. */
  readonly periodFrom: string;
  readonly periodTo: string;
  readonly crc: string | null;
  readonly records: number;
  /** Rows in the spool file. */
  readonly rows: number;
  readonly duplicates: number;
  readonly quarantined: readonly LineProblem[];
  /** ISO dates of the cycles that the rows belong to, ascending. */
  readonly cycles: readonly string[];
  readonly unknownCallCodes: readonly string[];
}

export type DecodeAnswer = Decoded | { readonly ok: false; readonly problem: FileProblem };

export interface DecodeRun {
  readonly signal: AbortSignal;
  onProgress(done: number, total: number): void;
}

export interface Decoder {
  /** Why the head of a fetched file says otherwise than its name; null when it does not. */
  misnamed(path: string, name: string, account: string): string | null;
  decode(request: DecodeRequest, run: DecodeRun): Promise<DecodeAnswer>;
}

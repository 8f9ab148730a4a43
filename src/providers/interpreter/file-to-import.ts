/** A file on its way into the records: what it is, and what came of decoding it. */
import type { FileProblem } from '../../compute/tasks/file-problem.ts';
import type { Decoded } from './decoder.ts';
import type { ReceivedFile } from './found-files.ts';

/** Without an id it was fetched by this very command, and is not stored yet. */
export type FileToImport = Omit<ReceivedFile, 'id' | 'version'> & { readonly id?: string; readonly version?: number };

export interface Accepted {
  readonly file: FileToImport;
  readonly decoded: Decoded;
  readonly spoolPath: string;
}

export interface Refused {
  readonly file: FileToImport;
  readonly problem: FileProblem;
}

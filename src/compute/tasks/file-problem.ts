/** What is wrong with a file, or with a line of it, as a task answers it. */

/** A problem that keeps a whole file out. `value` never shows a whole number: it is masked by the decoder. */
export interface FileProblem {
  /** Stable code such as `truncated-gzip`, `trailer-count`, `trailer-sum`, `trailer-crc`, `wrong-account`, `bad-header`. */
  readonly code: string;
  readonly line: number | null;
  readonly field: string | null;
  readonly value: string | null;
  readonly message: string;
}

/** A line that goes to quarantine while the rest of the file is imported. */
export interface LineProblem extends FileProblem {
  readonly line: number;
  /** Of the record's first byte, in the unpacked file. */
  readonly offset: number;
  /** The raw line with its numbers masked. */
  readonly rawMasked: string;
}

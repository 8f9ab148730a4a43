/** What every contender of the bench does: the same file, the same work, the same answer. */
import { createHash } from 'node:crypto';

/** `flat`: the longest prefix has one price. `rules`: connect fee, two steps, 30/6, a peak band in local time. */
export type Work = 'flat' | 'rules';

export type ContenderName = 'linekeeper' | 'duckdb' | 'csv-parse' | 'papaparse';

export interface ContenderOptions {
  readonly path: string;
  readonly work: Work;
  readonly threads: number;
  /** Of ours: bytes for record keys. */
  readonly dedupMemory?: number;
}

export interface TotalRow {
  readonly subscriber: bigint;
  readonly kind: string;
  readonly records: bigint;
  readonly unrated: bigint;
  readonly usage: bigint;
  readonly amountE8: bigint;
  readonly chargeE8: bigint;
}

export interface Contender {
  /** One pass over the file: of records with one id the last counts, wrong ones do not. */
  run(): Promise<TotalRow[]>;
  close(): Promise<void>;
}

export type OpenContender = (options: ContenderOptions) => Promise<Contender>;

/** The same for equal totals, to the last digit. */
export function digestOf(rows: readonly TotalRow[]): string {
  const lines = rows.map((row) =>
    [row.subscriber, row.kind, row.records, row.unrated, row.usage, row.amountE8, row.chargeE8].join('\t'),
  );
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex');
}

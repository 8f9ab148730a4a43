/** What a preview is asked for and answers, line by line: progress, a row for each subscriber and kind, and last its end or an error. */
import type { RecordFault } from '../kernel/csv/csv-slow.ts';

export interface PreviewQuery {
  /** An absolute path that the service can read. */
  readonly file: string;
  readonly tariff: string;
  readonly version?: string;
  /** A layout document; without it the layout of `provider`. */
  readonly layout?: unknown;
  /** A sync type. */
  readonly provider?: string;
  readonly timeZone?: string;
  readonly numberMask: number;
  readonly numbers: boolean;
}

/** Sums as text of integers; amounts are 1e-8 EUR. */
export interface PreviewRow {
  /** Masked unless numbers were asked for. */
  readonly subscriber: string;
  /** As the file writes it. */
  readonly word: string;
  readonly kind: string;
  readonly category: string;
  readonly records: string;
  readonly unrated: string;
  /** Seconds, messages or octets. */
  readonly usage: string;
  readonly amountE8: string;
  /** What the provider charges in the file. */
  readonly providerAmountE8: string;
}

export interface PreviewEnd {
  readonly file: string;
  readonly bytes: number;
  readonly tariff: string;
  /** The version that rated every record; null: the one that is valid at each record's start. */
  readonly version: string | null;
  readonly timeZone: string;
  readonly numberMask: number;
  /** That count: without wrong ones and duplicates. */
  readonly records: number;
  readonly duplicates: number;
  readonly unrated: number;
  readonly amountE8: string;
  readonly providerAmountE8: string;
  readonly unratedReasons: readonly { readonly word: string; readonly reason: string; readonly records: number }[];
  /** All of them; `faults` lists the first thousands. */
  readonly faultCount: number;
  readonly faults: readonly RecordFault[];
  /** Record keys did not fit the memory. */
  readonly keysOnDisk: boolean;
  /** What the amounts do not have in them. */
  readonly notes: readonly string[];
}

export type PreviewLine =
  | { readonly progress: { readonly done: number; readonly total: number } }
  | { readonly row: PreviewRow }
  | { readonly end: PreviewEnd }
  | { readonly error: { readonly code: string; readonly message: string } };

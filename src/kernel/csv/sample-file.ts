/** What the beginning of a CSV file tells: its columns, where its records begin, and about how many there are. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { CsvRow } from '../../providers/decode/csv-row.ts';
import type { KernelFile } from '../messages.ts';
import { columnsOf, type UsageLayout } from '../usage-layout.ts';

const sampleBytes = 256 * 1024;

export interface FileSample {
  readonly file: Omit<KernelFile, 'rating'>;
  /** Estimated, and rather too many. */
  readonly records: number;
}

/** Throws for a file without a header, or without a column that the layout names, and what the file system throws. */
export function sampleFile(path: string, layout: UsageLayout): FileSample {
  const { size } = statSync(path);
  const end = Math.min(size, sampleBytes);
  // a byte behind the end, which the reader needs
  const bytes = Buffer.alloc(end + 1);
  const file = openSync(path, 'r');
  try {
    readSync(file, bytes, 0, end, 0);
  } finally {
    closeSync(file);
  }
  const row = new CsvRow(layout.delimiter);
  const read = (at: number) => row.read(bytes, at, end, end === size, -1);
  const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const firstRecord = Math.min(read(mark), end);
  if (end <= mark || firstRecord < 0 || row.fault !== null) throw new Error(`${path} has no header of CSV columns`);
  const names = Array.from({ length: row.columns }, (_, column) =>
    textOf(bytes.subarray(row.from[column], row.to[column])),
  );
  const hasFirst = firstRecord < end && read(firstRecord) >= 0;
  const widths = names.map((_, column) => (hasFirst && column < row.columns ? row.to[column]! - row.from[column]! : 0));
  const columns = columnsOf(layout, names, widths);
  let records = 0;
  for (let at = firstRecord; at < end; records += 1) {
    const next = read(at);
    if (next < 0) break;
    at = next;
  }
  const estimate = Math.ceil((records * size * 1.05) / end) + 1000;
  return { file: { path, bytes: size, firstRecord, columns }, records: estimate };
}

/** UTF-8, or what single bytes mean when it is none. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return (text.includes('\uFFFD') ? bytes.toString('latin1') : text).replaceAll('""', '"').trim();
}

/**
 * `linekeeper preview`: what a file would cost under a tariff, by subscriber and kind, with what is wrong in it. Breaking it off
 * ends the work in the service. CSV is written as it comes; the rest is shown when it is whole.
 */
import { resolve } from 'node:path';
import type { PreviewEnd, PreviewLine, PreviewQuery, PreviewRow } from '../preview/views.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { csvEnd, csvHead, csvUsage } from './preview-csv.ts';
import { count, printJson, printLine, printTable } from './print.ts';
import { openProgress } from './progress.ts';
import { readDocument } from './read-document.ts';

export interface PreviewOptions extends ServiceOptions {
  readonly tariff: string;
  readonly versionOf?: string;
  readonly layout?: string;
  readonly provider?: string;
  readonly timeZone?: string;
  readonly numberMask: number;
  readonly numbers?: boolean;
  readonly csv?: boolean;
}

/** Faults on a terminal; all that are listed are in JSON and CSV. */
const shownFaults = 20;

export async function previewFile(io: CliIo, file: string, options: PreviewOptions): Promise<number> {
  const { csv = false, json = false } = options;
  if (csv && json) throw new CliError(exitCode.usage, 'choose --csv or --json');
  if ((options.layout === undefined) === (options.provider === undefined)) {
    throw new CliError(exitCode.usage, 'name the columns by --layout FILE, or a provider by --provider TYPE');
  }
  const query = queryOf(io, file, options);
  const client = await openClient(io, options);
  const progress = json ? null : openProgress(io);
  const rows: PreviewRow[] = [];
  let end: PreviewEnd | null = null;
  if (csv) io.stdout.write(csvHead());
  await client.lines<PreviewLine>('/previews', query, (line) => {
    if ('error' in line) throw new CliError(exitCode.failed, line.error.message);
    if ('progress' in line) {
      progress?.update(file, [{ name: 'preview', state: 'running', progress: { ...line.progress, unit: 'bytes' } }]);
    } else if ('end' in line) end = line.end;
    else if (csv) io.stdout.write(csvUsage(line.row));
    else rows.push(line.row);
  });
  if (end === null) throw new CliError(exitCode.unreachable, 'the service broke off in the middle; see its log');
  progress?.update(file, [{ name: 'preview', state: 'done', progress: null }]);
  if (json) printJson(io, { ...(end as PreviewEnd), rows });
  else if (csv) io.stdout.write(csvEnd(end));
  else await tables(io, rows, end);
  return exitCode.ok;
}

function queryOf(io: CliIo, file: string, options: PreviewOptions): PreviewQuery {
  const { tariff, versionOf: version, layout, provider, timeZone, numberMask, numbers = false } = options;
  return {
    file: resolve(io.cwd, file),
    tariff,
    numberMask,
    numbers,
    ...(version === undefined ? {} : { version }),
    ...(layout === undefined ? {} : { layout: readDocument(io, layout) }),
    ...(provider === undefined ? {} : { provider }),
    ...(timeZone === undefined ? {} : { timeZone }),
  };
}

async function tables(io: CliIo, rows: readonly PreviewRow[], end: PreviewEnd): Promise<void> {
  await printTable(
    io,
    [
      { head: 'SUBSCRIBER', of: (row) => row.subscriber },
      { head: 'KIND', of: (row) => row.word },
      { head: 'CATEGORY', of: (row) => row.category },
      { head: 'RECORDS', of: (row) => count(row.records), right: true },
      { head: 'UNRATED', of: (row) => count(row.unrated), right: true },
      { head: 'USAGE', of: usageOf, right: true },
      { head: 'AMOUNT EUR', of: (row) => formatAmountE8(BigInt(row.amountE8)), right: true },
      { head: 'PROVIDER EUR', of: (row) => formatAmountE8(BigInt(row.providerAmountE8)), right: true },
    ],
    rows,
    'no record counts',
  );
  printLine(io, '');
  const version = end.version === null ? '' : `, version of ${end.version}`;
  const amounts = `${formatAmountE8(BigInt(end.amountE8))} EUR; in the file ${formatAmountE8(BigInt(end.providerAmountE8))} EUR`;
  printLine(io, `${end.file}: ${count(end.records)} records under tariff ${end.tariff}${version}: ${amounts}`);
  for (const note of end.notes) printLine(io, `note: ${note}`);
  if (end.duplicates > 0) printLine(io, `${count(end.duplicates)} duplicates: of records with one key the last counts`);
  for (const { word, reason, records } of end.unratedReasons) {
    printLine(io, `${count(records)} of ${word} have no price: ${reason}`);
  }
  if (end.faultCount === 0) return;
  printLine(io, `${count(end.faultCount)} faults:`);
  for (const { offset, code, field, reason } of end.faults.slice(0, shownFaults)) {
    printLine(io, `  byte ${count(offset)}: ${[code, field, reason].filter(Boolean).join(' ')}`);
  }
  if (end.faultCount > shownFaults) printLine(io, '  … (--json and --csv list more)');
}

function usageOf({ kind, usage }: PreviewRow): string {
  const unit = kind === 'voice' ? 's' : kind === 'data' ? 'octets' : 'x';
  return `${count(usage)} ${unit}`;
}

/**
 * `linekeeper import --from-archive`: imports a file that is there already, without asking its provider; with `--wait` until it is
 * totalled, exit 1 when that did not succeed, or when a file was refused or held back.
 */
import { resolve } from 'node:path';
import type { ImportStartedView, SyncTaskView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { count, printJson, printLine } from './print.ts';
import { openProgress } from './progress.ts';
import { waitForTask } from './wait.ts';

export interface ImportOptions extends ServiceOptions {
  readonly customer: string;
  readonly profile?: string;
  readonly fromArchive: string;
  readonly again?: boolean;
  readonly wait?: boolean;
}

export async function importFile(io: CliIo, options: ImportOptions): Promise<number> {
  const client = await openClient(io, options);
  const isHash = /^[0-9a-f]{64}$/.test(options.fromArchive);
  const started = await client.post<ImportStartedView>('/imports', {
    customer: options.customer,
    from: isHash ? options.fromArchive : resolve(io.cwd, options.fromArchive),
    again: options.again ?? false,
    ...(options.profile === undefined ? {} : { profile: options.profile }),
  });
  const { task, file, profile } = started;
  const ended =
    task && options.wait ? await waitForTask(io, client, task.id, options.json ? undefined : openProgress(io)) : null;
  if (options.json) printJson(io, ended ?? started);
  else if (!task) printLine(io, `${file} was imported before; to decode it again: --again`);
  else if (ended)
    printLine(io, `${file}: ${ended.status}, ${Number(ended.counts.records ?? 0)} records${keptOut(ended)}`);
  else
    printLine(
      io,
      `sync task ${task.id} of ${options.customer}/${profile} imports ${file} (chain ${task.chainId ?? '-'})`,
    );
  return ended === null || isImported(ended) ? exitCode.ok : exitCode.failed;
}

/** A sync goes on without the files that it refuses or holds back; whoever brings one by hand has to know of it. */
function isImported({ status, counts }: SyncTaskView): boolean {
  return status === 'succeeded' && Number(counts.quarantinedFiles ?? 0) === 0 && counts.files !== 0;
}

function keptOut({ counts }: SyncTaskView): string {
  const [refused, heldBack] = [counts.quarantinedFiles, counts.heldBack].map((value) => Number(value ?? 0)) as [
    number,
    number,
  ];
  const why = refused > 0 ? `; ${count(refused)} refused, see why: linekeeper alert list` : '';
  return heldBack > 0 ? `${why}; ${count(heldBack)} held back by a file before that is missing or refused` : why;
}

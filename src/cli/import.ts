/**
 * `linekeeper import --from-archive`: imports a file that is there already, without asking its provider; with `--wait` until it is
 * totalled, exit 1 when that did not succeed.
 */
import { resolve } from 'node:path';
import type { ImportStartedView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printLine } from './print.ts';
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
  else if (ended) printLine(io, `${file}: ${ended.status}, ${Number(ended.counts.records ?? 0)} records`);
  else
    printLine(
      io,
      `sync task ${task.id} of ${options.customer}/${profile} imports ${file} (chain ${task.chainId ?? '-'})`,
    );
  return ended === null || ended.status === 'succeeded' ? exitCode.ok : exitCode.failed;
}

/**
 * `linekeeper sync run`: opens sync tasks now; with `--wait` until they ended. Exit 1 when one did not succeed, or a profile was
 * left out because it is suspended: a person has to look at it.
 */
import type { SyncStartedView, SyncTaskView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printLine, printTable } from './print.ts';
import { openProgress } from './progress.ts';
import { waitForTask } from './wait.ts';

export interface SyncRunOptions extends ServiceOptions {
  readonly customer: string;
  readonly profile?: string;
  readonly force?: boolean;
  readonly wait?: boolean;
}

export async function syncRun(io: CliIo, options: SyncRunOptions): Promise<number> {
  const client = await openClient(io, options);
  const started = await client.post<SyncStartedView>('/sync/run', {
    customer: options.customer,
    force: options.force ?? false,
    ...(options.profile === undefined ? {} : { profile: options.profile }),
  });
  for (const { profile, why } of started.skipped) {
    const way = `run it all the same with --profile ${profile} --force`;
    io.stderr.write(`profile ${options.customer}/${profile} is left out: it is ${why}; ${way}\n`);
  }
  const nobodySuspended = started.skipped.every(({ suspended }) => !suspended);
  if (!options.wait) {
    if (options.json) printJson(io, started);
    for (const task of options.json ? [] : started.tasks) {
      const what = task.started ? 'started' : 'is running already';
      printLine(
        io,
        `sync task ${task.id} of ${options.customer}/${task.profile} ${what} (chain ${task.chainId ?? '-'})`,
      );
    }
    return nobodySuspended ? exitCode.ok : exitCode.failed;
  }
  const progress = options.json ? undefined : openProgress(io);
  const ended: SyncTaskView[] = [];
  for (const { id } of started.tasks) ended.push(await waitForTask(io, client, id, progress));
  if (options.json) printJson(io, ended);
  else await printTasks(io, ended);
  const allSucceeded = ended.every((task) => task.status === 'succeeded');
  return allSucceeded && nobodySuspended ? exitCode.ok : exitCode.failed;
}

function printTasks(io: CliIo, tasks: readonly SyncTaskView[]): Promise<void> {
  return printTable(
    io,
    [
      { head: 'TASK', of: (task) => task.id },
      { head: 'PROFILE', of: (task) => task.profile },
      { head: 'ACCOUNT', of: (task) => task.account },
      { head: 'STATUS', of: (task) => (task.status === 'open' ? (task.chain?.state ?? 'open') : task.status) },
      { head: 'COUNTS', of: countsOf },
      { head: 'REASON', of: (task) => task.chain?.reason ?? '' },
    ],
    tasks,
    'no profile is due',
  );
}

function countsOf(task: SyncTaskView): string {
  return Object.entries(task.counts)
    .filter(([, value]) => typeof value === 'number' || typeof value === 'string')
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
}

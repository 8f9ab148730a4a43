/** `linekeeper process list` and `process restart`: the node processes of a service that runs with `--processes`. */
import type { ProcessView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printLine, printTable } from './print.ts';

export async function processList(io: CliIo, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const processes = await client.get<readonly ProcessView[]>('/processes');
  if (options.json) {
    printJson(io, processes);
    return exitCode.ok;
  }
  await printTable(
    io,
    [
      { head: 'PROCESS', of: (one) => String(one.index) },
      { head: 'PID', of: (one) => String(one.pid ?? '') },
      { head: 'STATE', of: (one) => one.state },
      { head: 'RESTARTS', of: (one) => String(one.restarts) },
      {
        head: 'PROVEN',
        of: (one) => (one.provenMsAgo === null ? '' : `${(one.provenMsAgo / 1_000).toFixed(1)} s ago`),
      },
      { head: 'STATUS', of: (one) => one.status ?? one.lastError ?? '' },
    ],
    processes,
    'no processes',
  );
  return exitCode.ok;
}

/** Answers when the last one is ready again. */
export async function processRestart(io: CliIo, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const restarted = await client.post<readonly { index: number; pid: number }[]>('/processes/restart', {});
  if (options.json) printJson(io, restarted);
  else for (const { index, pid } of restarted) printLine(io, `process ${index} is ready again, pid ${pid}`);
  return exitCode.ok;
}

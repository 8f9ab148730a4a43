/** `linekeeper pause set | end | list`: what may not run now, who says so, why and until when. */
import type { PauseView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { printJson, printLine, printTable, time } from './print.ts';

export interface PauseSetOptions extends ServiceOptions {
  readonly why?: string;
  readonly until?: string;
}

export async function pauseList(io: CliIo, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const pauses = await client.get<readonly PauseView[]>('/pauses');
  if (options.json) {
    printJson(io, pauses);
    return exitCode.ok;
  }
  await printTable(
    io,
    [
      { head: 'SCOPE', of: (pause) => pause.scope },
      { head: 'BY', of: (pause) => pause.by },
      { head: 'SINCE (UTC)', of: (pause) => time(pause.since) },
      { head: 'UNTIL (UTC)', of: (pause) => (pause.until === null ? 'ended by hand' : time(pause.until)) },
      { head: 'WHY', of: (pause) => pause.why },
    ],
    pauses,
    'nothing is paused',
  );
  return exitCode.ok;
}

export async function pauseSet(io: CliIo, scope: string, options: PauseSetOptions): Promise<number> {
  const { why, until } = options;
  const end = until === undefined ? null : new Date(until);
  if (end !== null && Number.isNaN(end.getTime())) {
    throw new CliError(exitCode.usage, `--until ${until} is no time; give one such as 2026-11-21T06:00:00Z`);
  }
  const client = await openClient(io, options);
  const body = { scope, why, ...(end === null ? {} : { until: end.toISOString() }) };
  const pause = await client.post<PauseView>('/pauses', body);
  if (options.json) printJson(io, pause);
  else
    printLine(
      io,
      `${scope} is paused ${pause.until === null ? 'until somebody ends it' : `until ${time(pause.until)} UTC`}`,
    );
  return exitCode.ok;
}

export async function pauseEnd(io: CliIo, scope: string, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const ended = await client.post<{ scope: string }>('/pauses/end', { scope });
  if (options.json) printJson(io, ended);
  else printLine(io, `${scope} goes on`);
  return exitCode.ok;
}

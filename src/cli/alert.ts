/** `linekeeper alert list | test | resolve`. A test that a channel did not take is exit 1. */
import type { AlertView, ChannelTestView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { count, printJson, printLine, printTable, tellCut, time } from './print.ts';

export interface AlertListOptions extends ServiceOptions {
  readonly state?: string;
  readonly limit: number;
}

export async function alertList(io: CliIo, options: AlertListOptions): Promise<number> {
  const client = await openClient(io, options);
  const { state, limit } = options;
  const alerts = await client.get<readonly AlertView[]>('/alerts', { query: { state, limit } });
  tellCut(io, alerts, limit);
  if (options.json) {
    printJson(io, alerts);
    return exitCode.ok;
  }
  await printTable(
    io,
    [
      { head: 'STATE', of: (alert) => alert.state },
      { head: 'LEVEL', of: (alert) => alert.level },
      { head: 'RULE', of: (alert) => alert.rule },
      { head: 'SUBJECT', of: (alert) => alert.subject },
      { head: 'TIMES', of: (alert) => count(alert.occurrences), right: true },
      { head: 'LAST (UTC)', of: (alert) => time(String(alert.lastAt)) },
      { head: 'MESSAGE', of: (alert) => alert.message },
    ],
    alerts,
    'no alerts',
  );
  return exitCode.ok;
}

export async function alertTest(io: CliIo, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const results = await client.post<readonly ChannelTestView[]>('/alerts/test', {});
  if (options.json) printJson(io, results);
  for (const { channel, ok, error } of options.json ? [] : results) {
    printLine(io, ok ? `${channel} took it` : `${channel} did not take it: ${error}`);
  }
  if (!options.json && results.length === 0) printLine(io, 'no alert channel is configured: nobody would be told');
  return results.length > 0 && results.every((result) => result.ok) ? exitCode.ok : exitCode.failed;
}

export async function alertResolve(io: CliIo, rule: string, subject: string, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const resolved = await client.post<{ rule: string; subject: string }>('/alerts/resolve', { rule, subject });
  if (options.json) printJson(io, resolved);
  else printLine(io, `${rule} ${subject} is resolved`);
  return exitCode.ok;
}

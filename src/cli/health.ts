/** `linekeeper health`: exit 0 while the service does its work, also degraded; 1 when it does not; 69 when it is not there. */
import type { HealthView } from '../admin/views.ts';
import { type AdminClient, openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printLine, printTable, time } from './print.ts';

export function readHealth(client: AdminClient): Promise<HealthView> {
  return client.get<HealthView>('/health', { accept: [503] });
}

export async function printHealth(io: CliIo, health: HealthView): Promise<void> {
  printLine(
    io,
    `${health.status}: linekeeper ${health.release}, pid ${health.pid}, since ${time(health.startedAt)} UTC`,
  );
  await printTable(
    io,
    [
      { head: 'CHECK', of: (check) => check.name },
      { head: 'STATUS', of: (check) => check.status },
      { head: 'MESSAGE', of: (check) => check.message },
    ],
    health.checks,
    'nothing was checked',
  );
  for (const warning of health.warnings) printLine(io, `warning: ${warning}`);
}

export async function health(io: CliIo, options: ServiceOptions): Promise<number> {
  const answer = await readHealth(await openClient(io, options));
  if (options.json) printJson(io, answer);
  else await printHealth(io, answer);
  return answer.status === 'failing' ? exitCode.failed : exitCode.ok;
}

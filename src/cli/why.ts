/**
 * `linekeeper why CHAIN` and `linekeeper why down`: in sentences, why a chain does not run, or what of the service does not.
 * `why down` answers also when no node lives, and, from the boot record, when nothing listens at all.
 */
import type { HealthView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import { chainWhy } from './chain-why.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { readHealth } from './health.ts';
import { printJson, printLine } from './print.ts';

export function why(io: CliIo, about: string, options: ServiceOptions): Promise<number> {
  return about === 'down' ? whyDown(io, options) : chainWhy(io, about, options);
}

/** Exit code 0 when nothing is down, 1 when something is, 69 when nothing listens. */
async function whyDown(io: CliIo, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  let health: HealthView;
  try {
    health = await readHealth(client);
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== exitCode.unreachable) throw error;
    const last = await lastEnd(io, options);
    if (options.json) printJson(io, { listening: false, reasons: [error.message, ...(last ? [last] : [])] });
    else for (const line of [error.message, ...(last ? [last] : [])]) printLine(io, line);
    return exitCode.unreachable;
  }
  const reasons = [
    ...health.checks
      .filter(({ status }) => status !== 'ok')
      .map(({ name, status, message }) => `${name} is ${status}: ${message}`),
    ...health.warnings,
  ];
  if (options.json) printJson(io, { listening: true, status: health.status, reasons });
  else if (reasons.length === 0) printLine(io, 'nothing is down');
  else for (const reason of reasons) printLine(io, reason);
  return health.status === 'failing' ? exitCode.failed : exitCode.ok;
}

/** How the last boot ended, by the boot record in the state directory; null when it cannot be read, as with `--socket`. */
async function lastEnd(io: CliIo, options: ServiceOptions): Promise<string | null> {
  if (options.socket !== undefined) return null;
  const { configOf } = await import('./load-config.ts');
  const { bootFilePath, readBoots } = await import('../process/boot-record.ts');
  const last = readBoots(bootFilePath(configOf(io, options).stateDirectory), () => {}).boots.at(-1);
  if (!last) return null;
  const begun = `the last boot (pid ${last.pid}) began at ${last.startedAt}`;
  if (last.end === null) return `${begun} and its end was not recorded: it was killed, or is still starting`;
  const how = typeof last.end === 'number' ? `exit code ${last.end}` : last.end;
  return `${begun} and ended${last.endedAt === null ? '' : ` at ${last.endedAt}`} with ${how}: ${last.why}`;
}

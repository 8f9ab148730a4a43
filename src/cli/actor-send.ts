/** `linekeeper actor send PATH MESSAGE`: a control message, checked by the actor itself. */
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { printJson, printLine } from './print.ts';

export async function actorSend(io: CliIo, path: string, message: string, options: ServiceOptions): Promise<number> {
  let control: unknown;
  try {
    control = JSON.parse(message);
  } catch (error) {
    throw new CliError(exitCode.usage, 'the message is not JSON; quote it, such as \'{"type":"pause"}\'', {
      cause: error,
    });
  }
  const client = await openClient(io, options);
  const route = path.split('/').map(encodeURIComponent).join('/');
  const sent = await client.post<{ result: string }>(`/actors/${route}`, control);
  if (options.json) printJson(io, sent);
  else printLine(io, `${path} has it`);
  return exitCode.ok;
}

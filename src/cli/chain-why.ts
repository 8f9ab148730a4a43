/** `linekeeper chain why ID`: the one reason why it moves or not, its bound, and what a person can do. */
import type { ChainWhyView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printLine, time } from './print.ts';

export async function chainWhy(io: CliIo, id: string, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const why = await client.get<ChainWhyView>(`/chains/${encodeURIComponent(id)}/why`);
  if (options.json) {
    printJson(io, why);
    return exitCode.ok;
  }
  printLine(io, why.because);
  if (why.until !== null) printLine(io, `until ${time(why.until)} UTC at the latest`);
  for (const next of why.next) printLine(io, `next: ${next}`);
  return exitCode.ok;
}

/** `linekeeper chain cancel | retry ID` and `chain replay ID --from STEP`. */
import type { ChainView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printLine } from './print.ts';

export async function chainMove(
  io: CliIo,
  verb: 'cancel' | 'retry' | 'replay',
  id: string,
  options: ServiceOptions & { readonly from?: string },
): Promise<number> {
  const client = await openClient(io, options);
  const chain = await client.post<ChainView>(
    `/chains/${encodeURIComponent(id)}/${verb}`,
    options.from ? { from: options.from } : {},
  );
  if (options.json) printJson(io, chain);
  else printLine(io, `chain ${chain.id} is ${chain.state} now`);
  return exitCode.ok;
}

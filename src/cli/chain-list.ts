/** `linekeeper chain list`: the latest chains first. */
import type { ChainView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printTable, time } from './print.ts';

export interface ChainListOptions extends ServiceOptions {
  readonly state?: string;
  readonly name?: string;
  readonly limit: number;
}

export async function chainList(io: CliIo, options: ChainListOptions): Promise<number> {
  const client = await openClient(io, options);
  const { state, name, limit } = options;
  const chains = await client.get<readonly ChainView[]>('/chains', { query: { state, name, limit } });
  if (options.json) {
    printJson(io, chains);
    return exitCode.ok;
  }
  await printTable(
    io,
    [
      { head: 'ID', of: (chain) => chain.id, right: true },
      { head: 'CHAIN', of: (chain) => chain.name },
      { head: 'SUBJECT', of: (chain) => chain.subject ?? '' },
      { head: 'STEP', of: (chain) => chain.step },
      { head: 'STATE', of: (chain) => chain.state },
      { head: 'SINCE (UTC)', of: (chain) => time(chain.since) },
      { head: 'REASON', of: (chain) => chain.reason ?? '' },
    ],
    chains,
    'no chain is like that',
  );
  return exitCode.ok;
}

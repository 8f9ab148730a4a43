/** `linekeeper provider list | check`: which providers this installation has, and whether a description is right. */
import { resolve } from 'node:path';
import { allProviders, missingSyncTypes } from '../providers/all-providers.ts';
import type { Provider } from '../providers/built-in.ts';
import { syncTypesOf } from '../providers/registry.ts';
import { ProviderFileError, readProvider } from '../providers/spec/load.ts';
import type { CliIo, CommonOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { configOf } from './load-config.ts';
import { printJson, printLine, printTable } from './print.ts';

/** ROUTIT's chain fans out and joins, which no description says: it is code (`docs/routit.md`). */
const coded = { commands: ['discover', 'fetch', 'stage', 'match', 'rate', 'totals'], transports: ['rest'] };

export async function providerList(io: CliIo, options: CommonOptions): Promise<number> {
  const { directory } = configOf(io, options).providers;
  const providers = checked(() => allProviders(directory));
  const missing = missingSyncTypes(providers);
  const described = new Map(providers.map((provider) => [provider.adapter.syncType, rowOf(provider)]));
  const rows = syncTypesOf(providers.map(({ adapter }) => adapter))
    .filter(({ syncType }) => !missing.includes(syncType))
    .map((entry) => described.get(entry.syncType) ?? { ...entry, ...coded, file: null });
  if (options.json) {
    printJson(io, { providers: rows, notInThisRelease: missing });
    return exitCode.ok;
  }
  await printTable(
    io,
    [
      { head: 'SYNC TYPE', of: (row) => row.syncType },
      { head: 'CHAIN', of: (row) => row.chain },
      { head: 'COMMANDS', of: (row) => row.commands.join(' > ') },
      { head: 'BY', of: (row) => row.transports.join(', ') },
      { head: 'FROM', of: (row) => row.file ?? 'the product' },
    ],
    rows,
    'there is no provider',
  );
  if (missing.length > 0) printLine(io, `known, and not in this release: ${missing.join(', ')}`);
  return exitCode.ok;
}

export async function providerCheck(io: CliIo, file: string, options: CommonOptions): Promise<number> {
  const described = checked(() => readProvider(resolve(io.cwd, file)));
  const row = rowOf(described);
  if (options.json) printJson(io, { ok: true, ...row });
  else
    printLine(io, `${file} describes ${row.syncType}: ${row.commands.join(' > ')}, by ${row.transports.join(' or ')}`);
  return exitCode.ok;
}

function rowOf({ adapter, file }: Provider) {
  const { syncType, chain, discover } = adapter;
  return {
    syncType,
    chain: chain.name,
    commands: chain.steps.map(({ name }) => name),
    transports: [...discover.transports] as string[],
    file,
  };
}

function checked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ProviderFileError)) throw error;
    throw new CliError(exitCode.configuration, error.message, { cause: error });
  }
}

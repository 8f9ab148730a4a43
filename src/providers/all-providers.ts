/** The providers of this process: those of the product, and those that the configuration describes. */
import { builtInProviders, type Provider } from './built-in.ts';
import { knownSyncTypes } from './registry.ts';
import { loadProviders, ProviderFileError } from './spec/load.ts';

/** Chains that the product keeps for itself. */
const reserved = /^(sync-manager|totals-.*|canary.*|linekeeper.*)$/;

/** Throws `ProviderFileError`. A description of a sync type that the product has takes the place of the product's. */
export function allProviders(directory: string | undefined): readonly Provider[] {
  if (directory === undefined) return builtInProviders;
  const described = loadProviders(directory);
  const taken = described.filter(({ adapter }) => reserved.test(adapter.chain.name));
  if (taken.length > 0) {
    throw new ProviderFileError(
      taken.map(({ adapter, file }) => `${file}: syncType: ${adapter.syncType} is kept for the product; take another`),
    );
  }
  const names = new Set(described.map(({ adapter }) => adapter.syncType));
  return [...builtInProviders.filter(({ adapter }) => !names.has(adapter.syncType)), ...described];
}

/** Its commands fan out and join, which no description says: its chain is code. */
const coded: readonly string[] = ['ROUTIT'];

/** For lists: a sync type that the product knows and this release cannot do yet has no provider. */
export function missingSyncTypes(providers: readonly Provider[]): readonly string[] {
  const there = new Set([...coded, ...providers.map(({ adapter }) => adapter.syncType)]);
  return knownSyncTypes.map(({ syncType }) => syncType).filter((syncType) => !there.has(syncType));
}

/** For `config check`: everything that is wrong with the descriptions. */
export function checkProviders(directory: string | undefined): readonly string[] {
  try {
    allProviders(directory);
    return [];
  } catch (error) {
    if (!(error instanceof ProviderFileError)) throw error;
    return error.problems;
  }
}

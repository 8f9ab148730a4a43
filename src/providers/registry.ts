/**
 * The sync types this product knows, each with its chain. A type whose chain this release does not contain still routes: its
 * chain is stored and stands visibly `blocked` until a release that has it. Only a type that is not here at all is a routing
 * failure.
 */
import type { Adapter } from './spec/adapter.ts';

export interface SyncTypeEntry {
  readonly syncType: string;
  readonly chain: string;
}

/** Those that belong to the product, whether this release has them or not. */
export const knownSyncTypes: readonly SyncTypeEntry[] = [
  { syncType: 'KPN_SP16', chain: 'kpn-sp16' },
  { syncType: 'GRIP', chain: 'grip' },
  { syncType: 'MY_VODAFONE', chain: 'my-vodafone' },
  { syncType: 'T_MOBILE', chain: 't-mobile' },
  { syncType: 'KPN_EEN', chain: 'kpn-een' },
  { syncType: 'YIELDER', chain: 'yielder' },
  { syncType: 'ROUTIT', chain: 'routit' },
];

/** The known ones, and those that a configuration adds. */
export function syncTypesOf(adapters: readonly Adapter[]): readonly SyncTypeEntry[] {
  const added = adapters.map(({ syncType, chain }) => ({ syncType, chain: chain.name }));
  const names = new Set(added.map(({ syncType }) => syncType));
  const order = knownSyncTypes.map(({ syncType }) => syncType);
  const place = ({ syncType }: SyncTypeEntry) => (order.includes(syncType) ? order.indexOf(syncType) : order.length);
  return [...added, ...knownSyncTypes.filter(({ syncType }) => !names.has(syncType))].sort(
    (a, b) => place(a) - place(b),
  );
}

export type RoutingDecision =
  | { readonly result: 'routed'; readonly syncType: string; readonly chain: string }
  | { readonly result: 'failed'; readonly syncType: string; readonly reason: string };

/** The router's whole knowledge; providers add their entries when they start. Never throws on an unknown type. */
export interface SyncTypeRegistry {
  add(entry: SyncTypeEntry): void;
  decide(syncType: string): RoutingDecision;
  list(): readonly SyncTypeEntry[];
}

export function createSyncTypes(entries: readonly SyncTypeEntry[] = []): SyncTypeRegistry {
  const bySyncType = new Map(entries.map((entry) => [entry.syncType, entry]));
  return {
    add(entry) {
      bySyncType.set(entry.syncType, entry);
    },
    decide(syncType) {
      const entry = bySyncType.get(syncType);
      if (!entry) {
        const known = [...bySyncType.keys()].join(', ');
        return {
          result: 'failed',
          syncType,
          reason: `no provider is registered for sync type ${syncType}; known: ${known}`,
        };
      }
      return { result: 'routed', syncType, chain: entry.chain };
    },
    list() {
      return [...bySyncType.values()];
    },
  };
}

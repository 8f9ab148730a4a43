/**
 * The sync types this product knows, each with its chain and its commands. A type whose chain this release does not
 * contain still routes: its chain is stored and stands visibly `blocked` until a release that has it. Only a type that is
 * not here at all is a routing failure.
 */
export interface SyncTypeEntry {
  readonly syncType: string;
  readonly chain: string;
}

export const knownSyncTypes: readonly SyncTypeEntry[] = [
  { syncType: 'KPN_SP16', chain: 'kpn-sp16' },
  { syncType: 'GRIP', chain: 'grip' },
  { syncType: 'MY_VODAFONE', chain: 'my-vodafone' },
  { syncType: 'T_MOBILE', chain: 't-mobile' },
  { syncType: 'KPN_EEN', chain: 'kpn-een' },
  { syncType: 'YIELDER', chain: 'yielder' },
  { syncType: 'ROUTIT', chain: 'routit' },
];

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

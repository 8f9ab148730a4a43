/**
 * The sync types this product knows, each with its chain and its commands. A type whose chain this release does not
 * contain still routes: its chain is stored and stands visibly `blocked` until a release that has it. Only a type that is
 * not here at all is a routing failure.
 */
export interface SyncTypeEntry {
  readonly syncType: string;
  readonly chain: string;
  /** First step of the chain, so that a chain can be stored before its definition exists. */
  readonly firstStep: string;
}

export const knownSyncTypes: readonly SyncTypeEntry[] = [
  { syncType: 'KPN_SP16', chain: 'kpn-sp16', firstStep: 'fetch' },
  { syncType: 'GRIP', chain: 'grip', firstStep: 'fetch' },
  { syncType: 'MY_VODAFONE', chain: 'my-vodafone', firstStep: 'sync' },
  { syncType: 'T_MOBILE', chain: 't-mobile', firstStep: 'calvi-sync' },
  { syncType: 'KPN_EEN', chain: 'kpn-een', firstStep: 'fetch' },
  { syncType: 'YIELDER', chain: 'yielder', firstStep: 'fetch' },
  { syncType: 'ROUTIT', chain: 'routit', firstStep: 'discover' },
];

export type RoutingDecision =
  | { readonly result: 'routed'; readonly syncType: string; readonly chain: string; readonly firstStep: string }
  | { readonly result: 'failed'; readonly syncType: string; readonly reason: string };

/** The router's whole knowledge; providers add their entries when they start. Never throws on an unknown type. */
export function createRegistry(entries: readonly SyncTypeEntry[] = []): {
  add(entry: SyncTypeEntry): void;
  decide(syncType: string): RoutingDecision;
  list(): readonly SyncTypeEntry[];
} {
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
      return { result: 'routed', syncType, chain: entry.chain, firstStep: entry.firstStep };
    },
    list() {
      return [...bySyncType.values()];
    },
  };
}

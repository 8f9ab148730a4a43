/** Which roaming zone a visited network is in: the zones of one tariff version, or a provider's zone sets by date. */
import { createPrefixTrie } from './prefix-trie.ts';
import type { ZoneSet } from './zone-document.ts';

type Zones = Readonly<Record<string, readonly string[]>>;

/** A network is in one zone at a time. */
export interface ZoneTable {
  readonly names: readonly string[];
  /** Index into `names` of the zone of a visited network at an instant, -1 when it is in none. */
  zoneOf(visited: string, atMs: number): number;
}

/** The same zones at all times. */
export function createZoneTable(zones: Zones): ZoneTable {
  const names = Object.keys(zones);
  const indexOf = zoneIndexes(zones, names);
  return { names, zoneOf: (visited) => indexOf(visited) };
}

/** The zones of the set that is valid; in a gap between sets a network is in no zone. */
export function createDatedZoneTable(sets: readonly ZoneSet[]): ZoneTable {
  const names = [...new Set(sets.flatMap(({ zones }) => Object.keys(zones)))];
  const dated = sets.map(({ validFromMs, validToMs, zones }) => ({
    fromMs: validFromMs,
    toMs: validToMs ?? Infinity,
    indexOf: zoneIndexes(zones, names),
  }));
  let last = dated[0];

  function zoneOf(visited: string, atMs: number): number {
    if (last === undefined) return -1;
    if (atMs < last.fromMs || atMs >= last.toMs) {
      const found = dated.find(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs);
      if (found === undefined) return -1;
      last = found;
    }
    return last.indexOf(visited);
  }

  return { names, zoneOf };
}

function zoneIndexes(zones: Zones, names: readonly string[]): (visited: string) => number {
  const trie = createPrefixTrie(Object.values(zones).flat());
  const indexes: number[] = [-1];
  for (const [zone, networks] of Object.entries(zones)) {
    for (const network of networks) indexes[trie.numberOf(network)] = names.indexOf(zone);
  }
  return (visited) => indexes[trie.longest(visited)]!;
}

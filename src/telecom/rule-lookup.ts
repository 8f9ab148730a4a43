/**
 * Which rules of one version and kind can apply to a record whatever the time: those whose criteria match, reduced to the
 * longest matching prefix (domain.md section 1, step 2). The answer per (prefix string of the tariff, category, zone) is
 * kept, so a record costs a walk over its digits and one lookup by number; the memo is bounded.
 */
import type { CompiledRule } from './compiled-tariff.ts';
import { createPrefixTrie, type PrefixTrie } from './prefix-trie.ts';
import type { RateableRecord } from './record.ts';
import { createCandidates, type RuleCandidates } from './rule-choice.ts';
import type { ZoneTable } from './zone-table.ts';

export interface RuleLookup {
  /** null when no rule matches, whatever the time. */
  candidates(record: RateableRecord): RuleCandidates | null;
}

const maxKept = 100_000;
const notRoaming = 0;

/** `rules` in document order. */
export function createRuleLookup(rules: readonly CompiledRule[], zones: ZoneTable): RuleLookup {
  const trie = createPrefixTrie(rules.flatMap((rule) => rule.prefixes));
  const categories = numberCategories(rules);
  const rulesOf = groupByPrefix(rules, trie);
  const kept = new Map<number, RuleCandidates | null>();

  function candidates(record: RateableRecord): RuleCandidates | null {
    let zone = notRoaming;
    if (record.visited !== '') {
      zone = zones.zoneOf(record.visited, record.startMs) + 1;
      if (zone === 0) return null;
    }
    const prefix = trie.longest(record.prefix);
    const category = categories.get(record.category) ?? 0;
    const key = (prefix * (categories.size + 1) + category) * (zones.names.length + 1) + zone;
    let found = kept.get(key);
    if (found === undefined) {
      found = find(prefix, record.category, zone === notRoaming ? null : zones.names[zone - 1]!);
      if (kept.size >= maxKept) kept.clear();
      kept.set(key, found);
    }
    return found;
  }

  /** From the longest matching prefix to the empty one: the first that leaves a rule decides. */
  function find(prefix: number, category: string, zone: string | null): RuleCandidates | null {
    for (let n = prefix; n !== -1; n = trie.shorter(n)) {
      const matching = rulesOf[n]?.filter((rule) => matchesRest(rule, category, zone)) ?? [];
      if (matching.length > 0) return createCandidates(matching, zone);
    }
    return null;
  }

  return { candidates };
}

/** Categories that a rule asks for, from 1; every other one is 0. */
function numberCategories(rules: readonly CompiledRule[]): ReadonlyMap<string, number> {
  const names = new Set(rules.flatMap((rule) => [...(rule.categories ?? [])]));
  return new Map([...names].map((name, i) => [name, i + 1]));
}

/** Rules by number of their prefix; a rule without prefixes is at the empty one. */
function groupByPrefix(rules: readonly CompiledRule[], trie: PrefixTrie): CompiledRule[][] {
  const groups: CompiledRule[][] = [];
  for (const rule of rules) {
    const prefixes = rule.prefixes.length === 0 ? [''] : new Set(rule.prefixes);
    for (const prefix of prefixes) {
      const n = trie.numberOf(prefix);
      groups[n] ??= [];
      groups[n].push(rule);
    }
  }
  return groups;
}

/** Roaming: only rules of the visited network's zone; at home: only rules without zones. */
function matchesRest(rule: CompiledRule, category: string, zone: string | null): boolean {
  if (rule.categories !== null && !rule.categories.has(category)) return false;
  return zone === null ? rule.zones === null : rule.zones?.has(zone) === true;
}

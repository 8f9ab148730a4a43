/**
 * The Dutch number plan as far as it decides a price (domain.md section 2). E.164 digits begin with 31; the short codes are
 * dialled as they stand. The longest entry that a number begins with counts, and a short code as a whole. General libraries have
 * no type for half of these.
 */
import { createPrefixTrie, type PrefixTrie } from './prefix-trie.ts';

export type DutchKind =
  | 'fixed'
  | 'mobile'
  | 'paging'
  | 'm2m'
  | 'freephone'
  | 'premium'
  | 'company'
  | 'location-independent'
  | 'personal-assistant'
  | 'vpn'
  | 'municipality'
  | 'emergency'
  | 'helpline'
  | 'voicemail'
  | 'directory'
  | 'carrier-select'
  | 'short-code';

type PlanRow = readonly [prefix: string, kind: DutchKind];

const national: readonly PlanRow[] = [
  ['311', 'fixed'],
  ['312', 'fixed'],
  ['313', 'fixed'],
  ['314', 'fixed'],
  ['315', 'fixed'],
  ['317', 'fixed'],
  ['3161', 'mobile'],
  ['3162', 'mobile'],
  ['3163', 'mobile'],
  ['3164', 'mobile'],
  ['3165', 'mobile'],
  ['3168', 'mobile'],
  ['3166', 'paging'],
  ['3197', 'm2m'],
  ['31800', 'freephone'],
  ['31900', 'premium'],
  ['31906', 'premium'],
  ['31909', 'premium'],
  ['3188', 'company'],
  ['3185', 'location-independent'],
  ['3191', 'location-independent'],
  ['3184', 'personal-assistant'],
  ['3187', 'personal-assistant'],
  ['3182', 'vpn'],
];

/** Whole codes: what only begins like one is another service's. */
const short: readonly (readonly [code: RegExp, kind: DutchKind])[] = [
  [/^112$/, 'emergency'],
  [/^(113|116\d{3})$/, 'helpline'],
  [/^14\d{3,4}$/, 'municipality'],
  [/^1233$/, 'voicemail'],
  [/^18\d\d$/, 'directory'],
  [/^16\d\d$/, 'carrier-select'],
];

function lookup(rows: readonly PlanRow[]): (digits: string) => DutchKind | null {
  const trie: PrefixTrie = createPrefixTrie(rows.map(([prefix]) => prefix));
  const kinds: (DutchKind | null)[] = [null];
  for (const [prefix, kind] of rows) kinds[trie.numberOf(prefix)] = kind;
  return (digits) => kinds[trie.longest(digits)]!;
}

const nationalKind = lookup(national);

/** What a number that begins with 31 is; null when the plan gives it to nobody, such as 0676. */
export function dutchKind(digits: string): DutchKind | null {
  return nationalKind(digits);
}

/** What a code of at most 6 digits is that is dialled without area or country code. */
export function shortCodeKind(digits: string): DutchKind {
  return knownShortCode(digits) ?? 'short-code';
}

const longestShortCodeAbroad = 8;

/** What a short code with the country code before it is, such as +3114020; null when it is none. Whole numbers only. */
export function shortCodeAbroad(digits: string): DutchKind | null {
  if (digits.length > longestShortCodeAbroad || !digits.startsWith('31')) return null;
  const kind = knownShortCode(digits.slice(2));
  return kind === 'carrier-select' ? null : kind;
}

function knownShortCode(digits: string): DutchKind | null {
  return short.find(([code]) => code.test(digits))?.[1] ?? null;
}

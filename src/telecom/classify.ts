/**
 * What a dialled number is, for records of providers that do not say it themselves: first our own table of Dutch numbers,
 * then libphonenumber, then `unknown`. Takes E.164 digits without `+` or a short code, as `normaliseDialled` gives them. Of a
 * masked number the digits that are left do for the Dutch table and mostly for the country. Pure; nothing is thrown. Looking
 * into libphonenumber costs some 10 microseconds: in hot loops remember the answer by prefix.
 *
 * Emergency and helpline numbers have a kind of their own here, but whoever stores a number asks `normaliseDialled` whether it
 * is `confidential`.
 */
import { createRequire } from 'node:module';
import type * as Libphonenumber from 'libphonenumber-js/max';
import type { usageCategories } from './category.ts';
import { type DutchKind, dutchKind, shortCodeAbroad, shortCodeKind } from './dutch-numbers.ts';
import type { RecordKind } from './record.ts';

export type NumberKind = DutchKind | 'fixed-or-mobile' | 'shared-cost' | 'voip' | 'satellite' | 'network' | 'unknown';
export type NumberCategory = (typeof usageCategories)[number] | 'unknown';

export interface NumberClass {
  /** As if it was called at home. `unknown` is never rated, so that somebody looks at it. */
  readonly category: NumberCategory;
  /** ISO 3166 alpha-2; null for networks that are nobody's country, and when it is not known. */
  readonly country: string | null;
  readonly kind: NumberKind;
}

const shortCodeDigits = 6;

const dutchCategories: Readonly<Record<DutchKind, NumberCategory>> = {
  fixed: 'national-fixed',
  mobile: 'national-mobile',
  paging: 'national-mobile',
  m2m: 'national-mobile',
  freephone: 'freephone',
  premium: 'premium',
  company: 'national-fixed',
  'location-independent': 'national-fixed',
  'personal-assistant': 'national-fixed',
  vpn: 'national-fixed',
  municipality: 'short-code',
  emergency: 'freephone',
  helpline: 'freephone',
  voicemail: 'voicemail',
  directory: 'short-code',
  'carrier-select': 'short-code',
  'short-code': 'short-code',
};

/** Country codes that are no country's: Inmarsat, mobile satellites, international networks, universal freephone. */
const networks: readonly (readonly [code: string, kind: NumberKind, category: NumberCategory])[] = [
  ['870', 'satellite', 'international'],
  ['881', 'satellite', 'international'],
  ['882', 'network', 'international'],
  ['883', 'network', 'international'],
  ['800', 'freephone', 'freephone'],
];

const kindOfType: Readonly<Record<Libphonenumber.NumberType & string, NumberKind>> = {
  FIXED_LINE: 'fixed',
  FIXED_LINE_OR_MOBILE: 'fixed-or-mobile',
  MOBILE: 'mobile',
  PAGER: 'paging',
  PERSONAL_NUMBER: 'personal-assistant',
  PREMIUM_RATE: 'premium',
  SHARED_COST: 'shared-cost',
  TOLL_FREE: 'freephone',
  UAN: 'company',
  VOICEMAIL: 'voicemail',
  VOIP: 'voip',
};

/** Loaded with the first foreign number: 45 ms and 4 MB, which a compute thread mostly does without. */
let library: typeof Libphonenumber | null = null;
const require = createRequire(import.meta.url);

const nothingKnown: NumberClass = { category: 'unknown', country: null, kind: 'unknown' };

export function classify(digits: string): NumberClass {
  if (!/^\d+$/.test(digits)) return nothingKnown;
  if (digits.length <= shortCodeDigits && !digits.startsWith('31')) return dutch(shortCodeKind(digits));
  if (digits.startsWith('31')) {
    const kind = shortCodeAbroad(digits) ?? dutchKind(digits);
    return kind === null ? { ...nothingKnown, country: 'NL' } : dutch(kind);
  }
  const network = networks.find(([code]) => digits.startsWith(code));
  if (network !== undefined) return { category: network[2], country: null, kind: network[1] };
  library ??= require('libphonenumber-js/max') as typeof Libphonenumber;
  const parsed = library.parsePhoneNumberFromString(`+${digits}`);
  if (parsed === undefined) return nothingKnown;
  const type = parsed.getType();
  return {
    category: 'international',
    country: parsed.country ?? null,
    kind: type === undefined ? 'unknown' : kindOfType[type],
  };
}

/** The same of what is shown of a number, such as `+3168765****`: masked digits are read as zeros. */
export function classifyMasked(masked: string): NumberClass {
  return classify(masked.replace('+', '').replaceAll('*', '0'));
}

/** The category of a record made at home, from its kind and the number that it went to (empty for data). */
export function categoryAtHome(kind: RecordKind, digits: string): NumberCategory {
  switch (kind) {
    case 'data':
      return 'data-national';
    case 'sms':
    case 'mms':
      return messageCategory(classify(digits));
    case 'voice':
      return classify(digits).category;
    default:
      return 'unknown';
  }
}

/** Services are paid, messages to people are not told apart by network. */
function messageCategory(to: NumberClass): NumberCategory {
  if (to.category === 'international') return 'sms-abroad';
  if (to.category === 'short-code' || to.category === 'premium') return 'sms-premium';
  return to.category === 'unknown' ? 'unknown' : 'sms';
}

function dutch(kind: DutchKind): NumberClass {
  return { category: dutchCategories[kind], country: 'NL', kind };
}

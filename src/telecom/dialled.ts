/**
 * Dialled numbers: from what was keyed in to E.164 digits, and from those to what may be kept (domain.md section 4.7).
 *
 * The last `mask` digits are never stored. Short codes (at most 6 digits, such as 1888 or 14020) are kept whole, without 31. Emergency
 * and helpline numbers leave nothing that tells which one was called: 112, 113 and 116xxx no digits at all, the free
 * helplines only their class (31800), so that a tariff of that class still matches. Pure functions; nothing is thrown.
 */
import { shortCodeAbroad } from './dutch-numbers.ts';

export interface Dialled {
  /** E.164 digits without `+`, or the short code. Never stored: input of the hash only. */
  readonly digits: string;
  readonly shortCode: boolean;
  /** Emergency or helpline: neither hash nor masked form may be kept. */
  readonly confidential: boolean;
}

export interface KeptNumber {
  /** Digits that rating matches on; null when none may be kept. */
  readonly prefix: string | null;
  /** For people: `+3161234****`; null when nothing may be shown. */
  readonly masked: string | null;
}

const countryCode = '31';
const shortCodeDigits = 6;
/** Digits of the longest number of the two tables that follow. */
const longestConfidential = 9;
const emergency = /^(?:11[23]|116\d{3})$/;
/** Kindertelefoon, 113 Zelfmoordpreventie, Veilig Thuis: E.164 number and the class that is left of it. */
const helplines: ReadonlyMap<string, string> = new Map([
  ['318000432', '31800'],
  ['318000113', '31800'],
  ['318002000', '31800'],
  ['319000113', '31900'],
]);

/** Null when the text is not a dialled number: something else than digits after an optional `+`, or more than 20 of them. */
export function normaliseDialled(text: string): Dialled | null {
  const plus = text.startsWith('+');
  const keyed = plus ? text.slice(1) : text;
  if (!/^\d{1,20}$/.test(keyed)) return null;
  const full = plus ? keyed : international(keyed);
  // +3114020 is 14020, as it is called from abroad and as some providers write it
  const isCode = shortCodeAbroad(full) !== null;
  const digits = isCode ? full.slice(countryCode.length) : full;
  return {
    digits,
    shortCode: isCode || (full === keyed && !plus && keyed.length <= shortCodeDigits),
    confidential: digits.length <= longestConfidential && (emergency.test(digits) || helplines.has(digits)),
  };
}

/** What may be stored of a number when its last `mask` digits may not. */
export function keepOf(dialled: Dialled, mask: number): KeptNumber {
  if (dialled.confidential) return { prefix: helplines.get(dialled.digits) ?? null, masked: null };
  if (dialled.shortCode) return { prefix: dialled.digits, masked: dialled.digits };
  const prefix = dialled.digits.slice(0, Math.max(0, dialled.digits.length - mask));
  return {
    prefix: prefix === '' ? null : prefix,
    masked: `+${prefix}${'*'.repeat(dialled.digits.length - prefix.length)}`,
  };
}

function international(keyed: string): string {
  if (keyed.startsWith('00')) return keyed.slice(2);
  return keyed.startsWith('0') ? countryCode + keyed.slice(1) : keyed;
}

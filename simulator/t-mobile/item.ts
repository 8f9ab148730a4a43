/** One item as the API writes it. */
import type { Calendar } from '../calendar.ts';
import { categoryOfCallCode } from '../usage-record.ts';
import type { ItemVersion } from './usage.ts';

/** The provider's own words for what the call codes mean. */
export const typeOfCategory: Readonly<Record<string, string>> = {
  'national-fixed': 'VOICE_FIXED',
  'national-mobile': 'VOICE_MOBILE',
  'on-net': 'VOICE_ONNET',
  international: 'VOICE_INTL',
  'roaming-eu-mo': 'VOICE_EU_OUT',
  'roaming-eu-mt': 'VOICE_EU_IN',
  'roaming-world-mo': 'VOICE_WORLD_OUT',
  'roaming-world-mt': 'VOICE_WORLD_IN',
  freephone: 'VOICE_FREE',
  premium: 'VOICE_PREMIUM',
  'short-code': 'VOICE_SHORT',
  voicemail: 'VOICE_MAILBOX',
  'data-national': 'DATA_NL',
  'data-eu': 'DATA_EU',
  'data-world': 'DATA_WORLD',
  sms: 'SMS',
  'sms-abroad': 'SMS_ABROAD',
  'sms-premium': 'SMS_PREMIUM',
};

export type Item = Record<string, unknown>;

export function itemOf(id: string, { version, state, usage }: ItemVersion, calendar: Calendar): Item {
  const isData = usage.line === '30';
  return {
    id,
    version,
    subscriber: usage.msisdn,
    type: typeOf(usage),
    startedAt: startedAt(usage.startS, calendar),
    seconds: usage.line === '10' || isData ? usage.quantity : 0,
    bytes: usage.octets,
    count: usage.line === '20' ? usage.quantity : 1,
    to: isData || usage.dialled === '' ? null : writtenNumber(usage),
    country: usage.visited === '' ? 'NL' : null,
    plmn: usage.visited === '' ? null : usage.visited,
    amount: { value: decimal(usage.amountE4), currency: 'EUR' },
    taxCode: usage.vat,
    allowance: usage.inBundle ? { id: 'NL-BASIS', used: usage.quantity } : null,
    state,
  };
}

function typeOf({ line, callCode, amountE4 }: ItemVersion['usage']): string {
  if (line === '40') return 'FEE_RECURRING';
  if (line === '50') return amountE4 < 0 ? 'CREDIT' : 'FEE_ONEOFF';
  const category = categoryOfCallCode[callCode];
  const unknown = `${line === '10' ? 'VOICE' : line === '20' ? 'SMS' : 'DATA'}_X${callCode}`;
  return category === undefined ? unknown : (typeOfCategory[category] ?? unknown);
}

/** E.164 with a plus; short codes, helplines and services as they are dialled. */
function writtenNumber({ dialled, number }: ItemVersion['usage']): string {
  return number.length >= 9 ? `+${number}` : dialled;
}

export function decimal(amountE4: number): string {
  const digits = String(Math.abs(amountE4)).padStart(5, '0');
  return `${amountE4 < 0 ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

export function startedAt(startS: number, calendar: Calendar): string {
  const offset = calendar.dstFlag(startS) === 'S' ? '+02:00' : '+01:00';
  return calendar.localText(startS).replace(/(....)(..)(..)(..)(..)(..)/, `$1-$2-$3T$4:$5:$6${offset}`);
}

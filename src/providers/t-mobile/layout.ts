/** T_MOBILE's usage pages as data (domain.md 5.3). The interface is OURS, invented to be realistic; a user with the real one changes this. */
import type { LayoutSource } from '../spec/layout-spec.ts';

type Type = LayoutSource['records']['types'][number];
type Fields = Type['fields'];

/** The provider's words, and what they mean to us; `roaming` ones name the network that was visited. */
const voice = {
  VOICE_FIXED: 'national-fixed',
  VOICE_MOBILE: 'national-mobile',
  VOICE_ONNET: 'on-net',
  VOICE_INTL: 'international',
  VOICE_FREE: 'freephone',
  VOICE_PREMIUM: 'premium',
  VOICE_SHORT: 'short-code',
  VOICE_MAILBOX: 'voicemail',
} as const;
const voiceAbroad = {
  VOICE_EU_OUT: 'roaming-eu-mo',
  VOICE_EU_IN: 'roaming-eu-mt',
  VOICE_WORLD_OUT: 'roaming-world-mo',
  VOICE_WORLD_IN: 'roaming-world-mt',
} as const;
const sms = { SMS: 'sms', SMS_ABROAD: 'sms-abroad', SMS_PREMIUM: 'sms-premium' } as const;
const data = { DATA_NL: 'data-national' } as const;
const dataAbroad = { DATA_EU: 'data-eu', DATA_WORLD: 'data-world' } as const;

const every: Fields = [
  { to: 'id', from: 'id', as: 'text' },
  { to: 'version', from: 'version', as: 'int' },
  { to: 'state', from: 'state', as: 'enum', values: { final: 'final', provisional: 'provisional', void: 'void' } },
  { to: 'start', from: 'startedAt', as: 'iso' },
  { to: 'amount', from: 'amount.value', as: 'dec', sign: 'leading' },
  { to: 'currency', from: 'amount.currency', as: 'text' },
  { to: 'vat', from: 'taxCode', as: 'text', optional: true },
];
const usage: Fields = [
  ...every,
  { to: 'msisdn', from: 'subscriber', as: 'msisdn' },
  { to: 'code', from: 'type', as: 'text' },
  { to: 'visited', from: 'plmn', as: 'digits', optional: true },
];
const dialled: Fields = [{ to: 'dialled', from: 'to', as: 'dialled', optional: true }];

/** `more`: a code that is in no table is imported and stays unrated; a type that is not here at all is a line error. */
function type(name: string, kind: Type['kind'], is: readonly string[], fields: Fields): Type {
  return { name, kind, when: { from: 'type', is: [...is] }, foreignIsRoaming: kind === 'sms', fields };
}

const codes = (words: Readonly<Record<string, string>>, roaming: boolean) =>
  Object.entries(words).map(([word, category]) => [word, { category, roaming }]);

export const tMobileLayout = {
  files: {
    name: String.raw`^(?<account>\d{10})_(?<from>\w+)_(?<to>\w+)_(?<read>\w+)_(?<page>\d{4,})\.json$`,
    nameShown: '<account10>_<from>_<to>_<read>_<page>.json',
    encoding: 'utf-8',
    framing: { kind: 'json', items: 'items' },
    logicalKey: ['account', 'from', 'to', 'read', 'page'],
  },
  records: {
    types: [
      type(
        'call',
        'voice',
        [...Object.keys({ ...voice, ...voiceAbroad }), 'VOICE_X9999'],
        [...usage, ...dialled, { to: 'seconds', from: 'seconds', as: 'int' }],
      ),
      type(
        'message',
        'sms',
        [...Object.keys(sms), 'SMS_X9999'],
        [...usage, ...dialled, { to: 'count', from: 'count', as: 'int' }],
      ),
      type(
        'session',
        'data',
        [...Object.keys({ ...data, ...dataAbroad }), 'DATA_X9999'],
        [...usage, { to: 'seconds', from: 'seconds', as: 'int' }, { to: 'octets', from: 'bytes', as: 'int' }],
      ),
      type(
        'recurring charge',
        'recurring',
        ['FEE_RECURRING'],
        [...every, { to: 'msisdn', from: 'subscriber', as: 'msisdn', optional: true }],
      ),
      type(
        'one-off charge or credit',
        'oneoff',
        ['FEE_ONEOFF', 'CREDIT'],
        [...every, { to: 'msisdn', from: 'subscriber', as: 'msisdn', optional: true }],
      ),
    ],
    codes: Object.fromEntries([
      ...codes({ ...voice, ...sms, ...data }, false),
      ...codes({ ...voiceAbroad, ...dataAbroad }, true),
    ]),
    plausible: [
      { kind: 'voice', per: 60, atMostE8: 1_000_000_000, plusE8: 500_000_000 },
      { kind: 'sms', per: 1, atMostE8: 1_000_000_000 },
      { kind: 'data', per: 1_048_576, atMostE8: 2_000_000_000, plusE8: 500_000_000 },
    ],
  },
} as LayoutSource;

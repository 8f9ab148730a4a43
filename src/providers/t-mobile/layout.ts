/** What stands in a page of T_MOBILE's API, as data. A type that is not in the table is imported and stays unrated. */
import type { LayoutSource } from '../spec/layout-spec.ts';

const roaming = true;

export const tMobileLayout = {
  files: {
    name: '^(?<account>[^_]+)_(?<from>[^_]+)_(?<to>[^_]+)_(?<read>[^_]+)_(?<page>[0-9]{4,})\\.json$',
    nameShown: '<account>_<from>_<to>_<read>_<page>.json',
    encoding: 'utf-8',
    framing: { kind: 'json', items: 'items' },
    logicalKey: ['account', 'from', 'to', 'read', 'page'],
  },
  records: {
    types: [
      {
        name: 'usage',
        foreignIsRoaming: true,
        fields: [
          { to: 'id', from: 'id', as: 'text' },
          { to: 'version', from: 'version', as: 'int' },
          {
            to: 'state',
            from: 'state',
            as: 'enum',
            values: { final: 'final', provisional: 'provisional', void: 'void' },
          },
          {
            to: 'kind',
            from: 'type',
            as: 'enum',
            values: {
              FEE_RECURRING: 'recurring',
              CREDIT: 'credit',
              'FEE_*': 'oneoff',
              'VOICE_*': 'voice',
              'SMS*': 'sms',
              'DATA_*': 'data',
            },
          },
          { to: 'code', from: 'type', as: 'text' },
          { to: 'msisdn', from: 'subscriber', as: 'msisdn' },
          { to: 'start', from: 'startedAt', as: 'iso' },
          { to: 'seconds', from: 'seconds', as: 'int' },
          { to: 'octets', from: 'bytes', as: 'int' },
          { to: 'count', from: 'count', as: 'int' },
          { to: 'dialled', from: 'to', as: 'dialled', optional: true },
          { to: 'visited', from: 'plmn', as: 'digits', optional: true },
          { to: 'amount', from: 'amount.value', as: 'dec', sign: 'leading' },
          { to: 'currency', from: 'amount.currency', as: 'text' },
          { to: 'vat', from: 'taxCode', as: 'text', optional: true },
          { to: 'inBundle', from: 'allowance.id', as: 'enum', values: { '': 'none', '*': 'yes' }, optional: true },
        ],
      },
    ],
    codes: {
      VOICE_FIXED: { category: 'national-fixed' },
      VOICE_MOBILE: { category: 'national-mobile' },
      VOICE_ONNET: { category: 'on-net' },
      VOICE_INTL: { category: 'international' },
      VOICE_EU_OUT: { category: 'roaming-eu-mo', roaming },
      VOICE_EU_IN: { category: 'roaming-eu-mt', roaming },
      VOICE_WORLD_OUT: { category: 'roaming-world-mo', roaming },
      VOICE_WORLD_IN: { category: 'roaming-world-mt', roaming },
      VOICE_FREE: { category: 'freephone' },
      VOICE_PREMIUM: { category: 'premium' },
      VOICE_SHORT: { category: 'short-code' },
      VOICE_MAILBOX: { category: 'voicemail' },
      DATA_NL: { category: 'data-national' },
      DATA_EU: { category: 'data-eu', roaming },
      DATA_WORLD: { category: 'data-world', roaming },
      SMS: { category: 'sms' },
      SMS_ABROAD: { category: 'sms-abroad' },
      SMS_PREMIUM: { category: 'sms-premium' },
    },
    plausible: [
      { kind: 'voice', per: 60, atMostE8: 1_000_000_000, plusE8: 500_000_000 },
      { kind: 'sms', per: 1, atMostE8: 1_000_000_000 },
      { kind: 'data', per: 1_048_576, atMostE8: 2_000_000_000, plusE8: 500_000_000 },
      // calls may be by satellite, so that cheap ones a hundred times too dear are within bounds; a page of them has fees
      { kind: 'recurring', per: 1, atMostE8: 50_000_000_000 },
    ],
  },
} as const satisfies LayoutSource;

/**
 * ROUTIT's charges as data (domain.md 5.6), once with a decimal point and once with a decimal comma: an account has one or the
 * other, and no file says which. The layout is OURS, invented to be realistic.
 */
import { type LayoutSource, type LayoutSpec, layoutSpec } from '../spec/layout-spec.ts';

type Fields = LayoutSource['records']['types'][number]['fields'];

/** The provider's types and what they mean. */
const categories = {
  VAST: 'national-fixed',
  MOBIEL: 'national-mobile',
  INTERN: 'on-net',
  BUITENLAND: 'international',
  GRATIS: 'freephone',
  SERVICE: 'premium',
  KORT: 'short-code',
  VOICEMAIL: 'voicemail',
  SMS: 'sms',
  'SMS-BUITENLAND': 'sms-abroad',
  'SMS-DIENST': 'sms-premium',
} as const;

const euroE8 = 100_000_000;

function fieldsOf(amount: 'dec' | 'decComma'): Fields {
  return [
    { to: 'id', from: 'Reference', as: 'text' },
    { to: 'account', from: 'CustomerId', as: 'text' },
    { to: 'msisdn', from: 'ANumber', as: 'msisdn' },
    { to: 'start', from: 'StartLocal', as: 'local', format: 'yyyy-mm-dd hh:mi:ss' },
    { to: 'amount', from: 'Purchase', as: amount, sign: 'leading' },
    { to: 'currency', from: 'Currency', as: 'text' },
    { to: 'text', from: 'Destination', as: 'text', optional: true },
  ];
}

function layout(amount: 'dec' | 'decComma'): LayoutSpec {
  const fields = fieldsOf(amount);
  const usage: Fields = [
    ...fields,
    { to: 'dialled', from: 'BNumber', as: 'dialled', optional: true },
    { to: 'code', from: 'Type', as: 'text' },
  ];
  return layoutSpec.parse({
    files: {
      name: '^charges_(?<reseller>\\d{10})_(?<month>\\d{6})_(?<customer>\\d{1,10})\\.csv\\.gz$',
      nameShown: 'charges_<reseller10>_<yyyymm>_<customer>.csv.gz',
      compression: 'gz',
      encoding: 'utf-8',
      framing: { kind: 'csv', delimiter: ';' },
      logicalKey: ['reseller', 'month', 'customer'],
      // a file of a month of one end customer; what packs better than this is no usage
      unpack: { maxBytes: 4 * 2 ** 30, maxRatio: 250, ratioFrom: 16 * 2 ** 20 },
    },
    records: {
      types: [
        {
          name: 'call',
          when: { from: 'Service', is: ['VOIP'] },
          kind: 'voice',
          fields: [...usage, { to: 'seconds', from: 'DurationSec', as: 'int' }],
        },
        { name: 'message', when: { from: 'Service', is: ['SMS'] }, kind: 'sms', fields: usage },
        {
          name: 'charge',
          when: { from: 'Service', is: ['DIENST'] },
          fields: [
            ...fields,
            {
              to: 'kind',
              from: 'Type',
              as: 'enum',
              values: { ABONNEMENT: 'recurring', EENMALIG: 'oneoff', CREDIT: 'credit' },
            },
          ],
        },
      ],
      codes: Object.fromEntries(Object.entries(categories).map(([code, category]) => [code, { category }])),
      plausible: [
        { kind: 'voice', per: 60, atMostE8: 3 * euroE8, plusE8: 2 * euroE8 },
        { kind: 'sms', per: 1, atMostE8: 3 * euroE8 },
        { kind: 'recurring', per: 1, atMostE8: 500 * euroE8 },
      ],
    },
  });
}

export const chargesLayouts = { point: layout('dec'), comma: layout('decComma') } as const;
export type DecimalMark = keyof typeof chargesLayouts;

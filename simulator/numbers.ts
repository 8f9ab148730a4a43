/**
 * Telephone numbers: the subscribers' own, what they dial, and how the provider writes that down. A destination knows both
 * the text of the file and the E.164 digits, so that the truth never has to parse the text.
 */
import type { Random } from './random.ts';

export interface Destination {
  dialled: string;
  number: string;
  callCode: string;
  text: string;
}

const countries: readonly { code: string; lead: readonly string[]; length: number; text: string }[] = [
  { code: '49', lead: ['30', '40', '151', '172'], length: 10, text: 'Duitsland, München' },
  { code: '32', lead: ['2', '3', '47', '49'], length: 9, text: 'België' },
  { code: '44', lead: ['20', '161', '77', '79'], length: 10, text: 'Verenigd Koninkrijk' },
  { code: '33', lead: ['1', '4', '6', '7'], length: 9, text: 'Frankrijk / Réunion' },
  { code: '34', lead: ['91', '93', '6'], length: 9, text: 'España' },
  { code: '48', lead: ['22', '50', '60'], length: 9, text: 'Polen' },
  { code: '1', lead: ['212', '415', '617'], length: 10, text: 'Verenigde Staten' },
  { code: '90', lead: ['212', '532', '541'], length: 10, text: 'Türkiye' },
  { code: '212', lead: ['522', '6'], length: 9, text: 'Marokko' },
  { code: '597', lead: ['85', '86', '88'], length: 8, text: 'Suriname' },
];

/** Mobile numbers 06 1-5 and 8, all different, in ascending order. */
export function subscriberNumbers(random: Random, count: number): string[] {
  const numbers = new Set<string>();
  while (numbers.size < count) numbers.add(`316${random.pick(['1', '2', '3', '4', '5', '8'])}${random.digits(7)}`);
  return [...numbers].sort();
}

/** A number that an account had once, which nobody has now. */
export function formerSubscriber(accountIndex: number): string {
  return `31690${String(accountIndex).padStart(6, '0')}`;
}

/** A voice destination dialled at home. `own`: the numbers of the same account. */
export function voiceDestination(random: Random, own: readonly string[]): Destination {
  const group = random.weighted([
    ['mobile', 430],
    ['fixed', 270],
    ['on-net', 110],
    ['international', 90],
    ['voicemail', 45],
    ['freephone', 20],
    ['premium', 14],
    ['short', 15],
    ['emergency', 6],
  ] as const);
  switch (group) {
    case 'mobile':
      return mobile(random);
    case 'fixed':
      return fixed(random);
    case 'on-net':
      return dutch(random, random.pick(own), '1200', 'Eigen netwerk');
    case 'international':
      return international(random);
    case 'voicemail':
      return { dialled: '1233', number: '1233', callCode: '5000', text: 'Voicemail' };
    case 'freephone':
      return dutch(random, `31800${random.digits(random.pick([4, 7]))}`, '4000', '0800 gratis');
    case 'premium':
      return dutch(random, `31${random.pick(['900', '906', '909'])}${random.digits(4)}`, '4100', 'Informatienummer');
    case 'short':
      return shortCode(random.pick(['1888', '1850', '14020', '14010']));
    case 'emergency':
      return helpline(random.pick(['112', '112', '113', '116123', '116111']));
  }
}

export function mobile(random: Random): Destination {
  const lead = random.weighted([
    ['1', 3],
    ['2', 3],
    ['3', 1],
    ['4', 1],
    ['5', 1],
    ['8', 1],
  ]);
  return dutch(random, `316${lead}${random.digits(7)}`, '1100', 'Mobiel nationaal');
}

export function fixed(random: Random): Destination {
  const area = random.pick(['20', '10', '30', '70', '40', '88', '85']);
  return dutch(random, `31${area}${random.digits(7)}`, '1000', `Vast nationaal 0${area}`);
}

export function international(random: Random): Destination {
  const country = random.pick(countries);
  const lead = random.pick(country.lead);
  const number = `${country.code}${lead}${random.digits(country.length - lead.length)}`;
  return { dialled: `00${number}`, number, callCode: '2000', text: country.text };
}

/** A destination that no tariff of the simulator prices. */
export function satellite(random: Random): Destination {
  const number = `8816${random.digits(8)}`;
  return { dialled: `00${number}`, number, callCode: '2000', text: 'Satelliet' };
}

export function premiumSms(random: Random): Destination {
  const code = random.pick(['3010', '5050', '7001', '8585']);
  return { dialled: code, number: code, callCode: '7900', text: 'SMS-dienst' };
}

/** The provider writes a Dutch number in one of three ways. */
export function dutch(random: Random, number: string, callCode: string, text: string): Destination {
  const written = random.weighted([
    [`0${number.slice(2)}`, 6],
    [number, 3],
    [`00${number}`, 1],
  ]);
  return { dialled: written, number, callCode, text };
}

function shortCode(code: string): Destination {
  return { dialled: code, number: code, callCode: '4200', text: code.startsWith('14') ? 'Gemeente' : 'Inlichtingen' };
}

function helpline(code: string): Destination {
  return { dialled: code, number: '', callCode: '4000', text: 'Hulplijn (één nummer)' };
}

/** One line of an SP16X file as the simulator thinks of it, with what the layout does not say: the instant, the E.164 number. */
export type LineType = '10' | '20' | '30' | '40' | '50';

export interface UsageRecord {
  line: LineType;
  /** 12 characters, unique for ever. */
  id: string;
  msisdn: string;
  /** The b-number as it stands in the file, or the access point of a data line; at most 24 characters. */
  dialled: string;
  /**
   * What a tariff prefix is compared with: E.164 digits or the short code. Empty without a dialled number and for 112, 113
   * and 116xxx, of which no digit is ever kept.
   */
  number: string;
  startS: number;
  /** Blank: the file does not say which of the two hours it was. */
  dstFlag: 'S' | 'W' | '';
  /** Seconds of a voice or data line, messages of an sms line; 1 for the others. */
  quantity: number;
  octets: number;
  callCode: string;
  /** MCC+MNC as it stands in the file. */
  visited: string;
  amountE4: number;
  vat: string;
  inBundle: boolean;
  change: '' | 'C' | 'D';
  originalId: string;
  text: string;
  /** Last instant covered by a recurring or credit line. */
  untilS: number;
  /** Placed on purpose at a border: never moved, doubled or corrected. */
  isEdge: boolean;
}

/** What the call codes of the layout mean. */
export const categoryOfCallCode: Readonly<Record<string, string>> = {
  1000: 'national-fixed',
  1100: 'national-mobile',
  1200: 'on-net',
  2000: 'international',
  3000: 'roaming-eu-mo',
  3010: 'roaming-eu-mt',
  3100: 'roaming-world-mo',
  3110: 'roaming-world-mt',
  4000: 'freephone',
  4100: 'premium',
  4200: 'short-code',
  5000: 'voicemail',
  6000: 'data-national',
  6100: 'data-eu',
  6200: 'data-world',
  7000: 'sms',
  7100: 'sms-abroad',
  7900: 'sms-premium',
};

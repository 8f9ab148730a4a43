/**
 * The tariff document as a user writes it (JSON). The simulator writes such documents and the evaluator reads them; this
 * is the simulator's own reading of the form, shared with nobody outside this folder.
 */
export type UsageKind = 'voice' | 'sms' | 'mms' | 'data';
export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';
export type RoundingMode = 'half-away' | 'up';

export interface TariffForm {
  tariff: string;
  provider: string;
  currency: 'EUR';
  timeZone: string;
  versions: VersionForm[];
}

export interface VersionForm {
  /** Local time in the tariff's zone, inclusive. */
  validFrom: string;
  /** Local time, exclusive; null while there is no later version. */
  validTo: string | null;
  changePolicy?: 'by_start' | 'split';
  /** Tariff asked when no rule of this one matches. */
  fallback?: string;
  /** Zone code to MCC or MCC+MNC prefixes; the longest prefix of all zones wins. Absent: the provider's zone sets. */
  zones?: Record<string, string[]>;
  rules: RuleForm[];
}

export interface RuleForm {
  id: string;
  kind: UsageKind;
  match: { prefixes?: string[]; zones?: string[]; categories?: string[] };
  /** Lists: months 1..12, days of the month 1..31, weekdays; `from` is a local time of day. */
  active?: { months?: number[]; days?: number[]; weekdays?: Weekday[]; from?: string };
  weight?: number;
  connectFee?: string;
  steps: StepForm[];
  /** What a call costs at least and at most, connect fee included. */
  minimum?: string;
  cap?: { amount: string; strategy: 'free' | 'disconnect' };
  rounding?: { decimals: number; mode: RoundingMode };
}

/** `from`, `per`, `first` and `next` are seconds, messages or octets; `price` is EUR for `per` of them. */
export interface StepForm {
  from: number;
  price: string;
  per: number;
  first: number;
  next: number;
}

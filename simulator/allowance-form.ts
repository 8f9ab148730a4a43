/** Allowances and zone sets as a user writes them (JSON); the simulator's own reading of these forms. */

export interface AllowanceForm {
  name: string;
  kind: 'voice' | 'sms' | 'mms' | 'data';
  amount: number;
  unit: 's' | 'min' | 'messages' | 'octets' | 'MB' | 'GB' | 'MiB' | 'GiB';
  /** One for all subscribers of the contract; otherwise each has its own. */
  shared?: boolean;
  /** The highest first. */
  priority?: number;
  /** Counted in whole ones of the usage that was made. */
  increment?: number;
  scope: { categories: string[]; zones?: string[] };
  /** Local dates, the second one exclusive. */
  validFrom?: string;
  validTo?: string;
  fairUse?: { monthlyPrice: string; zones: string[] };
}

/** Which networks a provider counts to which zone, for tariff versions without zones. */
export interface ZoneSetsForm {
  provider: string;
  timeZone: string;
  sets: { validFrom: string; validTo: string | null; zones: Record<string, string[]> }[];
}

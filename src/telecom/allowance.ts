/**
 * Allowances (bundles) as rating takes them. How one is written is in allowance-document.ts; how it is consumed in
 * allowance-book.ts. Every cycle begins with the whole amount; nothing is carried over.
 */
import type { RecordKind } from './record.ts';

/** Plain data: crosses to the compute threads. */
export interface Allowance {
  /** Unique in the contract; in the database the row's id. */
  readonly id: string;
  readonly name: string;
  readonly kind: RecordKind;
  /** Seconds, messages or octets. */
  readonly amount: number;
  /** One for all subscriptions of the contract; otherwise each has its own. */
  readonly shared: boolean;
  /** The only subscription that has it; null: those of the whole contract. */
  readonly msisdn: string | null;
  readonly priority: number;
  /** It is consumed in whole multiples of this instead of in the tariff's widened usage; null: no increment of its own. */
  readonly increment: number | null;
  readonly categories: readonly string[];
  /** Zones in which it counts: `home` and roaming zones. */
  readonly zones: readonly string[];
  /** Local dates in the contract's zone, the second one exclusive. */
  readonly validFrom: string | null;
  readonly validTo: string | null;
  /** Data in these zones only up to the EU fair-use volume that belongs to this price without VAT. */
  readonly fairUse: { readonly monthlyPriceE8: number; readonly zones: readonly string[] } | null;
}

/** The name of the zone of a record that is not roaming. */
export const homeZone = 'home';

/** What one record took from one allowance. Reused; copy what you keep. */
export interface AllowanceUse {
  allowance: Allowance;
  used: number;
}

/** What a cycle took from an allowance, of one subscription or (`msisdn` empty) of all. */
export interface AllowanceState {
  readonly id: string;
  readonly msisdn: string;
  readonly amount: number;
  readonly used: number;
  /** Octets; null when it has no fair-use limit. */
  readonly fairUseLimit: number | null;
  readonly fairUseUsed: number;
}

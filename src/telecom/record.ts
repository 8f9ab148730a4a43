/**
 * One usage record as rating sees it, whatever provider it came from. In hot loops ONE object is filled again and again;
 * nobody keeps a reference to it.
 */
import type { AllowanceUse } from './allowance.ts';

export type RecordKind = 'voice' | 'sms' | 'mms' | 'data' | 'recurring' | 'oneoff' | 'credit';

export interface RateableRecord {
  kind: RecordKind;
  /** What the provider's call code means, such as `national-mobile`; `unknown` when the code is not in the table. */
  category: string;
  /** Digits of the dialled number that masking leaves, E.164 without `+`; empty when there is none. */
  prefix: string;
  /** MCC+MNC of the visited network when roaming, else empty. */
  visited: string;
  /** UTC epoch milliseconds, whole seconds. */
  startMs: number;
  /** voice: seconds; sms, mms: messages; data: octets; others: 1. */
  usage: number;
  /** What the provider charged, 1e-8 EUR. For recurring, oneoff and credit this is the amount. */
  providerAmountE8: number;
}

/** Reused between calls of `rate`; copy what you keep. */
export interface RatedRecord {
  status: 'rated' | 'unrated' | 'excluded';
  /** Why it is unrated or excluded; null when rated. */
  reason: string | null;
  /** Integer multiple of 10,000 (4 decimals) unless the rule rounds otherwise. */
  amountE8: number;
  /** Widened usage in the record's unit, covered by an allowance or not. */
  billedUsage: number;
  /** Index into the compiled tariff's versions, -1 when none. */
  version: number;
  /** Id of the first piece's rule, null when none. */
  rule: string | null;
  pieces: Piece[];
  /** As charged: 0 when allowances covered the whole record. */
  connectFeeE8: number;
  /** Units of `billedUsage`, from the first one on, that allowances covered. */
  coveredUsage: number;
  /** What was taken from which allowance, in that order. */
  allowances: AllowanceUse[];
  /** The rule's minimum or cap took the place of what the pieces add up to. */
  limit: 'minimum' | 'cap' | null;
  /** `cap-disconnect`: the provider promised to end the call when it cost as much as the cap, and did not. */
  finding: 'cap-disconnect' | null;
}

export interface Piece {
  /** Seconds (or units) from the call's start. */
  from: number;
  /** Widened length in the record's unit. */
  billed: number;
  /** Of these, from the first one on, covered by allowances and not charged. */
  covered: number;
  priceE8: number;
  /** The price is per this many units. */
  per: number;
  rule: string;
  /** Index of the tariff step within the rule. */
  step: number;
}

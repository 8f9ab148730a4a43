/**
 * One usage record as rating sees it, whatever provider it came from. In hot loops ONE object is filled again and again;
 * nobody keeps a reference to it.
 */
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
  /** Widened usage in the record's unit. */
  billedUsage: number;
  /** Index into the compiled tariff's versions, -1 when none. */
  version: number;
  /** Id of the first piece's rule, null when none. */
  rule: string | null;
  pieces: Piece[];
  connectFeeE8: number;
}

export interface Piece {
  /** Seconds (or units) from the call's start. */
  from: number;
  /** Widened length in the record's unit. */
  billed: number;
  priceE8: number;
  /** The price is per this many units. */
  per: number;
  rule: string;
  /** Index of the tariff step within the rule. */
  step: number;
}

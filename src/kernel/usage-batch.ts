/**
 * Up to 512 decoded usage records as columns: what a reader fills and what deduplication, rating and totals then walk, each in
 * a loop of its own. Nothing is allocated per record. Texts stay in the chunk that was read: `toAt` points into it, so a batch
 * is worked off before the chunk moves on.
 */
export const batchRows = 512;

export interface UsageBatch {
  /** Rows that are filled. */
  rows: number;
  /** The record's key, an unsigned 64-bit integer. */
  readonly keyHigh: Int32Array;
  readonly keyLow: Int32Array;
  /** Where the record begins in the file. */
  readonly offset: Float64Array;
  /** The subscriber's number, at most 15 digits. */
  readonly subscriber: Float64Array;
  /** Index into the layout's kinds. */
  readonly kind: Uint8Array;
  /** The dialled number's digits in the chunk. */
  readonly toAt: Int32Array;
  readonly toDigits: Uint8Array;
  readonly startMs: Float64Array;
  /** Whole units of the kind. */
  readonly usage: Float64Array;
  readonly chargeE8: Float64Array;
  /** Filled by rating; -1 when the record is unrated. */
  readonly amountE8: Float64Array;
}

export function usageBatch(): UsageBatch {
  return {
    rows: 0,
    keyHigh: new Int32Array(batchRows),
    keyLow: new Int32Array(batchRows),
    offset: new Float64Array(batchRows),
    subscriber: new Float64Array(batchRows),
    kind: new Uint8Array(batchRows),
    toAt: new Int32Array(batchRows),
    toDigits: new Uint8Array(batchRows),
    startMs: new Float64Array(batchRows),
    usage: new Float64Array(batchRows),
    chargeE8: new Float64Array(batchRows),
    amountE8: new Float64Array(batchRows),
  };
}

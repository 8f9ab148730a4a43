/** Why records have no price, counted by kind. */
import type { UnratedCount } from '../messages.ts';
import type { UsageBatch } from '../usage-batch.ts';
import type { RateOne } from './single-rater.ts';

/** Of a record that has no amount. */
export type ReasonOf = (batch: UsageBatch, row: number, bytes: Buffer) => string;

/** A price list knows one reason. */
export const noPrice: ReasonOf = () => 'no-price';

/** The rater of imported records is asked again, for these records only. */
export function ruleReasons(rateOne: RateOne): ReasonOf {
  return (batch, row, bytes) => rateOne(batch, row, bytes).reason ?? 'unknown';
}

export class UnratedCounts {
  readonly #reasonOf: ReasonOf;
  readonly #counts = new Map<string, UnratedCount>();

  constructor(reasonOf: ReasonOf) {
    this.#reasonOf = reasonOf;
  }

  /** Of a batch that is rated; `sign` -1 takes its records out again. */
  addBatch(batch: UsageBatch, bytes: Buffer, sign: 1 | -1): void {
    const { rows, amountE8 } = batch;
    for (let row = 0; row < rows; row += 1) {
      if (amountE8[row]! >= 0) continue;
      this.#add({ kind: batch.kind[row]!, reason: this.#reasonOf(batch, row, bytes), records: sign });
    }
  }

  merge(counts: readonly UnratedCount[]): void {
    for (const count of counts) this.#add(count);
  }

  /** By kind, the most first. */
  list(): UnratedCount[] {
    const all = [...this.#counts.values()].filter(({ records }) => records !== 0);
    return all.sort((a, b) => a.kind - b.kind || b.records - a.records);
  }

  #add({ kind, reason, records }: UnratedCount): void {
    const key = `${kind} ${reason}`;
    this.#counts.set(key, { kind, reason, records: (this.#counts.get(key)?.records ?? 0) + records });
  }
}

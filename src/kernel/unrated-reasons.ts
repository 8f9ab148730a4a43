/** Why records have no price, counted by kind: the rater of imported records is asked again, for these records only. */
import type { CompiledTariff } from '../telecom/compiled-tariff.ts';
import { keepOf, normaliseDialled } from '../telecom/dialled.ts';
import { createRater, type Rater } from '../telecom/rating.ts';
import type { RateableRecord } from '../telecom/record.ts';
import type { UnratedCount } from './messages.ts';
import type { UsageBatch } from './usage-batch.ts';
import type { UsageKind } from './usage-layout.ts';

/** More digits are no short code, and then a number that begins with 0 is none in international form. */
const longestShortCode = 6;

export type ReasonOf = (batch: UsageBatch, row: number, bytes: Buffer) => string;

/** A price list knows one reason. */
export const noPrice: ReasonOf = () => 'no-price';

export function ruleReasons(tariff: CompiledTariff, kinds: readonly UsageKind[], numberMask: number): ReasonOf {
  // made when there is a record without a price
  let rater: Rater | null = null;
  const record: RateableRecord = {
    kind: 'voice',
    category: '',
    prefix: '',
    visited: '',
    startMs: 0,
    usage: 0,
    providerAmountE8: 0,
  };
  return (batch, row, bytes) => {
    const at = batch.toAt[row]!;
    const digits = bytes.toString('latin1', at, at + batch.toDigits[row]!);
    const dialled = normaliseDialled(digits.length > longestShortCode ? `+${digits}` : digits);
    const { kind, category } = kinds[batch.kind[row]!]!;
    record.kind = kind;
    record.category = category;
    record.prefix = (dialled && keepOf(dialled, numberMask).prefix) ?? '';
    record.startMs = batch.startMs[row]!;
    record.usage = batch.usage[row]!;
    record.providerAmountE8 = batch.chargeE8[row]!;
    rater ??= createRater(tariff);
    const reason = rater.rate(record).reason ?? 'unknown';
    const national = digits.startsWith('0') && digits.length > longestShortCode;
    return national && reason === 'no-rule' ? 'number-not-international' : reason;
  };
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

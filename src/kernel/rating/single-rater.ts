/**
 * One record of a batch by the rater of imported records, its number as it was keyed in: what the quick ways of rules-rater.ts do
 * not take, which is numbers in national form or with 00, and what they do not tell, which is why a record has no price.
 */
import type { CompiledTariff } from '../../telecom/compiled-tariff.ts';
import { keepOf, normaliseDialled } from '../../telecom/dialled.ts';
import { createRater, type Rater } from '../../telecom/rating.ts';
import type { RateableRecord, RatedRecord } from '../../telecom/record.ts';
import type { UsageBatch } from '../usage-batch.ts';
import type { UsageKind } from '../usage-layout.ts';
import type { BatchRater } from './price-list.ts';

/** The result is reused by the next call. */
export type RateOne = (batch: UsageBatch, row: number, bytes: Buffer) => RatedRecord;

const zero = 48;
/** As many digits may be a short code, which the quick ways know. */
const longestShortCode = 6;

export function singleRater(tariff: CompiledTariff, kinds: readonly UsageKind[], numberMask: number): RateOne {
  // made when there is a record for it
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
    const dialled = normaliseDialled(bytes.toString('latin1', at, at + batch.toDigits[row]!));
    const { kind, category } = kinds[batch.kind[row]!]!;
    record.kind = kind;
    record.category = category;
    record.prefix = (dialled && keepOf(dialled, numberMask).prefix) ?? '';
    record.startMs = batch.startMs[row]!;
    record.usage = batch.usage[row]!;
    record.providerAmountE8 = batch.chargeE8[row]!;
    rater ??= createRater(tariff);
    return rater.rate(record);
  };
}

/** Rates numbers that begin with 0 as an import does, and all others with `quick`. */
export function alsoKeyedIn(quick: BatchRater, one: RateOne): BatchRater {
  return (batch, bytes) => {
    quick(batch, bytes);
    const { rows, toAt, toDigits, amountE8 } = batch;
    for (let row = 0; row < rows; row += 1) {
      if (bytes[toAt[row]!] !== zero || toDigits[row]! <= longestShortCode) continue;
      const rated = one(batch, row, bytes);
      amountE8[row] = rated.status === 'rated' ? rated.amountE8 : -1;
    }
  };
}

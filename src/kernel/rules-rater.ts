/**
 * The full rules over batches: the same rater as for imported records (telecom/rating.ts), on the digits that masking leaves,
 * so that the fused pass and a later rating of the imported records agree to the last digit.
 */
import { TextMemo } from '../compute/tasks/text-memo.ts';
import type { CompiledTariff } from '../telecom/compiled-tariff.ts';
import { keepOf, normaliseDialled } from '../telecom/dialled.ts';
import { createRater } from '../telecom/rating.ts';
import type { RateableRecord } from '../telecom/record.ts';
import type { BatchRater } from './price-list.ts';
import type { UsageKind } from './usage-layout.ts';

/** Longer numbers are neither short codes nor confidential: only their last digits are hidden. */
const plainFrom = 10;

export function rulesRater(tariff: CompiledTariff, kinds: readonly UsageKind[], numberMask: number): BatchRater {
  const rater = createRater(tariff);
  const prefixes = new TextMemo();
  const short = new TextMemo();
  const kept = new Map<string, string>();
  const record: RateableRecord = {
    kind: 'voice',
    category: '',
    prefix: '',
    visited: '',
    startMs: 0,
    usage: 0,
    providerAmountE8: 0,
  };

  function prefixOf(bytes: Buffer, at: number, digits: number): string {
    if (digits >= plainFrom) return prefixes.of(bytes, at, digits - numberMask);
    const text = short.of(bytes, at, digits);
    let prefix = kept.get(text);
    if (prefix === undefined) {
      prefix = keptPrefix(text, numberMask);
      if (kept.size >= 100_000) kept.clear();
      kept.set(text, prefix);
    }
    return prefix;
  }

  return (batch, bytes) => {
    const { rows, toAt, toDigits, kind, startMs, usage, chargeE8, amountE8 } = batch;
    for (let row = 0; row < rows; row += 1) {
      const told = kinds[kind[row]!]!;
      record.kind = told.kind;
      record.category = told.category;
      record.prefix = prefixOf(bytes, toAt[row]!, toDigits[row]!);
      record.startMs = startMs[row]!;
      record.usage = usage[row]!;
      record.providerAmountE8 = chargeE8[row]!;
      const rated = rater.rate(record);
      amountE8[row] = rated.status === 'rated' ? rated.amountE8 : -1;
    }
  };
}

/** Digits are E.164 without `+`, or a short code of at most six. */
function keptPrefix(digits: string, numberMask: number): string {
  const dialled = normaliseDialled(digits.length > 6 ? `+${digits}` : digits);
  return dialled === null ? '' : (keepOf(dialled, numberMask).prefix ?? '');
}

/**
 * The full rules over batches. Most records stay within one band of one day of one version: they are rated here from plans in
 * typed arrays (quick-plans.ts). All others, and all that a plan does not cover, go to the rater of imported records
 * (telecom/rating.ts). Both give the same to the last digit (a test compares them on random tariffs), on the digits that
 * masking leaves, so that the fused pass agrees with a later rating of the imported records.
 *
 * Of a dialled number only the longest prefix that stands anywhere in the tariff is handed on: no rule can match more of it.
 */
import { dayMs } from '../../telecom/civil-date.ts';
import type { CompiledTariff, CompiledVersion } from '../../telecom/compiled-tariff.ts';
import { keepOf, normaliseDialled } from '../../telecom/dialled.ts';
import { createRater } from '../../telecom/rating.ts';
import type { RateableRecord } from '../../telecom/record.ts';
import type { UsageKind } from '../usage-layout.ts';
import { longestPrefix, prefixDigits } from './prefix-digits.ts';
import type { BatchRater } from './price-list.ts';
import { needsRater, noPlan, type QuickPlans, quickPlans } from './quick-plans.ts';

/** Longer numbers are neither short codes nor confidential: only their last digits are hidden. */
const plainFrom = 10;

/** `prefixes` are all that stand in the tariff and its fallbacks. */
export function rulesRater(
  tariff: CompiledTariff,
  prefixes: readonly string[],
  kinds: readonly UsageKind[],
  numberMask: number,
): BatchRater {
  const rater = createRater(tariff);
  const { digits: cells, added } = prefixDigits(prefixes);
  const longestIn = longestPrefix(cells);
  const keptBytes = Buffer.alloc(16);
  const plansOf = new Map<CompiledVersion, QuickPlans>();
  const timed = kinds.map(({ kind }) => kind === 'voice');
  const usable = kinds.map(({ kind, category }) => isUsage(kind) && category !== 'unknown');
  const record: RateableRecord = {
    kind: 'voice',
    category: '',
    prefix: '',
    visited: '',
    startMs: 0,
    usage: 0,
    providerAmountE8: 0,
  };
  // the day of the last record: what holds from fromMs to toMs
  const day = { fromMs: 0, toMs: 0, plans: null as QuickPlans | null };

  function enterDay(startMs: number): void {
    const { localTime, validity } = tariff;
    const offsetMs = localTime.offsetMsAt(startMs);
    day.fromMs = Math.floor((startMs + offsetMs) / dayMs) * dayMs - offsetMs;
    day.toMs = day.fromMs + dayMs;
    const version = validity.at(startMs);
    const whole =
      version !== null &&
      localTime.offsetMsAt(day.fromMs) === offsetMs &&
      localTime.nextTransitionMs(day.fromMs) >= day.toMs &&
      version.fromMs <= day.fromMs &&
      version.toMs >= day.toMs;
    day.plans = whole ? plansFor(version) : null;
  }

  function plansFor(version: CompiledVersion): QuickPlans {
    const known = plansOf.get(version) ?? quickPlans(version, added.length, kinds.length);
    plansOf.set(version, known);
    return known;
  }

  function prefixOf(bytes: Buffer, at: number, digits: number): number {
    if (digits >= plainFrom) return longestIn(bytes, at, digits - numberMask);
    const kept = keptPrefix(bytes.toString('latin1', at, at + digits), numberMask);
    return longestIn(keptBytes, 0, keptBytes.write(kept, 'latin1'));
  }

  function byRater(prefix: number): number {
    record.prefix = added[prefix]!;
    const rated = rater.rate(record);
    return rated.status === 'rated' ? rated.amountE8 : -1;
  }

  return (batch, bytes) => {
    const { rows, toAt, toDigits, kind, startMs, usage, chargeE8, amountE8 } = batch;
    for (let row = 0; row < rows; row += 1) {
      const told = kind[row]!;
      const prefix = prefixOf(bytes, toAt[row]!, toDigits[row]!);
      const start = startMs[row]!;
      if (start < day.fromMs || start >= day.toMs) enterDay(start);
      let amount = needsRater;
      if (day.plans !== null && usable[told]) {
        record.kind = kinds[told]!.kind;
        record.category = kinds[told]!.category;
        record.prefix = added[prefix]!;
        const plan = day.plans.planOf(prefix, told, record);
        if (plan !== noPlan) amount = day.plans.amountOf(plan, start - day.fromMs, usage[row]!, timed[told]!);
      }
      if (amount === needsRater) {
        record.kind = kinds[told]!.kind;
        record.category = kinds[told]!.category;
        record.startMs = start;
        record.usage = usage[row]!;
        record.providerAmountE8 = chargeE8[row]!;
        amount = byRater(prefix);
      }
      amountE8[row] = amount;
    }
  };
}

function isUsage(kind: UsageKind['kind']): boolean {
  return kind === 'voice' || kind === 'sms' || kind === 'mms' || kind === 'data';
}

/** Digits are E.164 without `+`, or a short code of at most six. */
function keptPrefix(digits: string, numberMask: number): string {
  const dialled = normaliseDialled(digits.length > 6 ? `+${digits}` : digits);
  return dialled === null ? '' : (keepOf(dialled, numberMask).prefix ?? '');
}

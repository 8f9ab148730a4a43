/**
 * The full rules over batches. Most records stay within one band of one day of one version: they are rated here from plans in
 * typed arrays (quick-plans.ts). All others, and all that a plan does not cover, go to the rater of imported records
 * (telecom/rating.ts). Both give the same to the last digit (a test compares them on random tariffs), on the digits that
 * masking leaves, so that the fused pass agrees with a later rating of the imported records.
 *
 * Of a dialled number only the longest prefix that stands anywhere in the tariff is handed on: no rule can match more of it.
 */
import { dayMs } from '../telecom/civil-date.ts';
import type { CompiledTariff, CompiledVersion } from '../telecom/compiled-tariff.ts';
import { keepOf, normaliseDialled } from '../telecom/dialled.ts';
import { createRater } from '../telecom/rating.ts';
import type { RateableRecord } from '../telecom/record.ts';
import { longestPrefix, prefixDigits } from './prefix-digits.ts';
import type { BatchRater } from './price-list.ts';
import {
  noPlan,
  type QuickPlans,
  quickPlans,
  ruleConnect,
  rulePer,
  ruleSteps,
  ruleUnit,
  stepCells,
  stepFirst,
  stepFrom,
  stepNext,
  stepPrice,
} from './quick-plans.ts';
import type { UsageKind } from './usage-layout.ts';

/** Longer numbers are neither short codes nor confidential: only their last digits are hidden. */
const plainFrom = 10;
/** Sums below it, doubled, are exact. */
const plainBelow = 2 ** 51;

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
  const timed = Uint8Array.from(kinds, ({ kind }) => (kind === 'voice' ? 1 : 0));
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
      let amount = -2;
      if (day.plans !== null && usable[told]) {
        record.kind = kinds[told]!.kind;
        record.category = kinds[told]!.category;
        record.prefix = added[prefix]!;
        const plan = day.plans.planOf(prefix, told, record);
        if (plan !== noPlan) amount = byPlan(day.plans.cells, plan, start - day.fromMs, usage[row]!, timed[told]!);
      }
      if (amount === -2) {
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

/** -2 when the call leaves its band, or a sum the safe range. */
function byPlan(cells: Float64Array, plan: number, timeOfDayMs: number, usage: number, timed: number): number {
  if (usage === 0) return 0;
  let band = plan + 1 + 2 * (cells[plan]! - 1);
  while (cells[band]! > timeOfDayMs) band -= 2;
  if (timed === 1 && timeOfDayMs + usage * 1000 > cells[band + 2]!) return -2;
  const rule = cells[band + 1]!;
  const per = cells[rule + rulePer]!;
  let numerator = cells[rule + ruleConnect]! * per;
  let cursor = 0;
  let step = rule + ruleSteps;
  while (cursor < usage) {
    while (cells[step + stepCells + stepFrom]! <= cursor) step += stepCells;
    const border = Math.min(cells[step + stepCells + stepFrom]!, usage);
    const first = cells[step + stepFirst]!;
    const next = cells[step + stepNext]!;
    let billed = border - cursor;
    if (cursor > 0) billed = Math.ceil(billed / next) * next;
    else billed = billed <= first ? first : first + Math.ceil((billed - first) / next) * next;
    numerator += billed * cells[step + stepPrice]!;
    cursor += billed;
  }
  const unit = cells[rule + ruleUnit]!;
  const divisor = per * unit;
  if (!(numerator < plainBelow && divisor < plainBelow)) return -2;
  return Math.floor((2 * numerator + divisor) / (2 * divisor)) * unit;
}

function isUsage(kind: UsageKind['kind']): boolean {
  return kind === 'voice' || kind === 'sms' || kind === 'mms' || kind === 'data';
}

/** Digits are E.164 without `+`, or a short code of at most six. */
function keptPrefix(digits: string, numberMask: number): string {
  const dialled = normaliseDialled(digits.length > 6 ? `+${digits}` : digits);
  return dialled === null ? '' : (keepOf(dialled, numberMask).prefix ?? '');
}

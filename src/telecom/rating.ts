/**
 * Rates one record (domain.md section 1; the exact semantics are in docs/tariff.md). Exact to the last digit and without
 * allocation per record: the result and its pieces are filled again and again.
 *
 * A record that cannot be rated is `unrated` with a reason, never 0: `unknown-call-code`, `no-tariff-version`, `no-rule`,
 * `bad-usage` (not a whole number of units), `amount-too-large` (does not fit 2^53 units of 1e-8 EUR).
 */
import { chargeE8 } from './charge.ts';
import type { CompiledRule, CompiledStep, CompiledTariff, CompiledVersion } from './compiled-tariff.ts';
import { widen } from './increment.ts';
import type { Piece, RateableRecord, RatedRecord } from './record.ts';
import { createRuleTimeline } from './rule-timeline.ts';

export interface Rater {
  /** The result is reused by the next call; copy what you keep. Throws RangeError for a start outside 1970 to 2199. */
  rate(record: RateableRecord): RatedRecord;
}

export function createRater(tariff: CompiledTariff): Rater {
  const timeline = createRuleTimeline(tariff);
  const { validity } = tariff;
  const result: RatedRecord = {
    status: 'rated',
    reason: null,
    amountE8: 0,
    billedUsage: 0,
    version: -1,
    rule: null,
    pieces: [],
    connectFeeE8: 0,
  };
  const spare: Piece[] = [];
  let count = 0;

  function rate(record: RateableRecord): RatedRecord {
    const { kind, usage } = record;
    if (record.category === 'unknown') return end('unknown-call-code', -1);
    if (kind === 'recurring' || kind === 'oneoff' || kind === 'credit') {
      return end(null, -1, record.providerAmountE8, usage);
    }
    if (!Number.isSafeInteger(usage) || usage < 0) return end('bad-usage', -1);
    const version = validity.at(record.startMs);
    // A call that was not answered is not billed, and needs no tariff for that.
    if (kind === 'voice' && usage === 0) return end(null, version === null ? -1 : version.index);
    if (version === null) return end('no-tariff-version', -1);
    return rateUsage(record, version);
  }

  function rateUsage(record: RateableRecord, version: CompiledVersion): RatedRecord {
    const { usage } = record;
    const perSecond = record.kind === 'voice';
    // Messages and octets have no duration: the rule of the start holds for all of them.
    timeline.begin(record, version, perSecond ? usage : 0);
    const firstRule = timeline.rule;
    if (firstRule === null) return end('no-rule', version.index);
    count = 0;
    let billed = 0;
    let cursor = 0;
    while (cursor < usage) {
      const rule = timeline.rule;
      // A stretch without a rule makes the whole record unrated, even where a widened piece covers it.
      if (rule === null) return end('no-rule', version.index);
      if (perSecond && timeline.endS <= cursor) {
        timeline.next();
        continue;
      }
      const step = stepAt(rule, cursor);
      const border = Math.min(stepEnd(rule, step), perSecond ? timeline.endS : usage, usage);
      const widened = widen(border - cursor, cursor === 0, rule.steps[step]!);
      addPiece(cursor, widened, rule, step);
      billed += widened;
      cursor += widened;
    }
    while (perSecond && timeline.endS < usage) {
      timeline.next();
      if (timeline.rule === null) return end('no-rule', version.index);
    }
    if (count === 0) return end(null, version.index);
    const amountE8 = chargeE8(firstRule.connectFeeE8, spare, count, firstRule.rounding);
    if (amountE8 === Infinity) return end('amount-too-large', version.index);
    return end(null, version.index, amountE8, billed, firstRule);
  }

  function addPiece(from: number, billed: number, rule: CompiledRule, step: number): void {
    const { priceE8, per } = rule.steps[step]!;
    const piece = spare[count];
    if (piece === undefined) {
      spare.push({ from, billed, priceE8, per, rule: rule.name, step });
    } else {
      piece.from = from;
      piece.billed = billed;
      piece.priceE8 = priceE8;
      piece.per = per;
      piece.rule = rule.name;
      piece.step = step;
    }
    count += 1;
  }

  function end(
    reason: string | null,
    version: number,
    amountE8 = 0,
    billedUsage = 0,
    rule: CompiledRule | null = null,
  ): RatedRecord {
    result.status = reason === null ? 'rated' : 'unrated';
    result.reason = reason;
    result.version = version;
    result.amountE8 = amountE8;
    result.billedUsage = billedUsage;
    result.rule = rule === null ? null : rule.name;
    result.connectFeeE8 = rule === null ? 0 : rule.connectFeeE8;
    const shown = rule === null ? 0 : count;
    for (let i = 0; i < shown; i += 1) result.pieces[i] = spare[i]!;
    if (result.pieces.length !== shown) result.pieces.length = shown;
    return result;
  }

  return { rate };
}

/** Index of the last step that begins at or before a unit of the record. */
function stepAt(rule: CompiledRule, unit: number): number {
  const { steps } = rule;
  let step = steps.length - 1;
  while (step > 0 && steps[step]!.from > unit) step -= 1;
  return step;
}

function stepEnd(rule: CompiledRule, step: number): number {
  const next: CompiledStep | undefined = rule.steps[step + 1];
  return next === undefined ? Infinity : next.from;
}

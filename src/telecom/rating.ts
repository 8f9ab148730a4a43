/**
 * Rates one record (domain.md section 1; the exact semantics are in docs/tariff.md). Exact to the last digit and without
 * allocation per record: the result and its pieces are filled again and again.
 *
 * A record that cannot be rated is `unrated` with a reason, never 0: `unknown-call-code`, `no-tariff-version`, `no-rule`,
 * `bad-usage` (not a whole number of units), `amount-too-large` (does not fit 2^53 units of 1e-8 EUR).
 */
import type { AllowanceBook } from './allowance-book.ts';
import { type Charge, chargePieces } from './charge.ts';
import type { CompiledRule, CompiledStep, CompiledTariff, CompiledVersion } from './compiled-tariff.ts';
import { widen } from './increment.ts';
import type { Piece, RateableRecord, RatedRecord } from './record.ts';
import { createRuleTimeline } from './rule-timeline.ts';

export interface Rater {
  /**
   * The result is reused by the next call; copy what you keep. `msisdn` (of the subscription) is looked at for allowances only.
   * Throws RangeError for a start outside 1970 to 2199.
   */
  rate(record: RateableRecord, msisdn?: string): RatedRecord;
}

/** With `allowances` the records must be those of the book's cycle, in order of (start, record key). */
export function createRater(tariff: CompiledTariff, allowances: AllowanceBook | null = null): Rater {
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
    coveredUsage: 0,
    allowances: [],
    limit: null,
    finding: null,
  };
  const charge: Charge = { amountE8: 0, limit: null };
  const spare: Piece[] = [];
  let count = 0;

  function rate(record: RateableRecord, msisdn = ''): RatedRecord {
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
    return rateUsage(record, msisdn, version);
  }

  function rateUsage(record: RateableRecord, msisdn: string, version: CompiledVersion): RatedRecord {
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
    const covered = allowances === null ? 0 : allowances.cover(record, msisdn, timeline.zone, billed);
    if (covered > 0) coverPieces(covered);
    if (covered >= billed) return endCovered(version.index, billed, firstRule);
    chargePieces(firstRule, spare, count, charge);
    if (charge.amountE8 === Infinity) {
      allowances?.giveBack();
      return end('amount-too-large', version.index);
    }
    end(null, version.index, charge.amountE8, billed, firstRule);
    result.limit = charge.limit;
    if (charge.limit === 'cap' && firstRule.disconnects) result.finding = 'cap-disconnect';
    if (covered > 0) noteAllowances(covered);
    return result;
  }

  /** Allowances paid for all of it: no connect fee, no minimum. */
  function endCovered(version: number, billed: number, rule: CompiledRule): RatedRecord {
    end(null, version, 0, billed, rule);
    result.connectFeeE8 = 0;
    noteAllowances(billed);
    return result;
  }

  /** From the first unit on; where a piece stands, and so its step and price, does not depend on it. */
  function coverPieces(covered: number): void {
    let left = covered;
    for (let i = 0; i < count && left > 0; i += 1) {
      const piece = spare[i]!;
      piece.covered = Math.min(piece.billed, left);
      left -= piece.covered;
    }
  }

  function noteAllowances(covered: number): void {
    const { uses, useCount } = allowances!;
    result.coveredUsage = covered;
    for (let i = 0; i < useCount; i += 1) result.allowances[i] = uses[i]!;
    if (result.allowances.length !== useCount) result.allowances.length = useCount;
  }

  function addPiece(from: number, billed: number, rule: CompiledRule, step: number): void {
    const { priceE8, per } = rule.steps[step]!;
    const piece = spare[count];
    if (piece === undefined) {
      spare.push({ from, billed, covered: 0, priceE8, per, rule: rule.name, step });
    } else {
      piece.from = from;
      piece.billed = billed;
      piece.covered = 0;
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
    result.coveredUsage = 0;
    result.limit = null;
    result.finding = null;
    if (result.allowances.length !== 0) result.allowances.length = 0;
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

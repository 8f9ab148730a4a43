/**
 * Bands and steps of the rules that records of one prefix and kind meet, flat in typed arrays: what most records need, without
 * a walk over objects. Made from the compiled tariff as it is asked for; whatever has more to it than bands, steps and a
 * connect fee has no plan, and the rater decides.
 */
import type { CompiledRule, CompiledVersion } from '../../telecom/compiled-tariff.ts';
import type { RateableRecord } from '../../telecom/record.ts';
import type { DayBands } from '../../telecom/rule-choice.ts';
import { CellTable } from './cell-table.ts';

/** `planOf` answers: the rater has to decide. */
export const noPlan = -1;
/** `amountOf` answers: the call leaves its band, or a sum the safe range, and the rater has to decide. */
export const needsRater = -2;

export interface QuickPlans {
  planOf(prefix: number, kind: number, record: RateableRecord): number;
  /** In 1e-8 EUR. `timed`: a second of the day goes by with each unit of usage. */
  amountOf(plan: number, timeOfDayMs: number, usage: number, timed: boolean): number;
}

/** Sums below it, doubled, are exact. */
const plainBelow = 2 ** 51;
/** Cells of a step: where it begins, its first and its further increments. A step behind the last one begins at Infinity. */
const stepCells = 3;
const dayMs = 86_400_000;
/** A rule that has anything else asks for the rater: what is added to the tariff later is not forgotten here. */
const plainKeys = new Set([
  ...[
    'name',
    'order',
    'weight',
    'connectFeeE8',
    'rounding',
    'months',
    'days',
    'weekdays',
    'fromMs',
    'prefixes',
    'zones',
  ],
  ...['categories', 'steps', 'minimumE8', 'capE8', 'disconnects'],
]);
const unknown = 0;

/** For one version of a tariff; `prefixes` and `kinds` are counts. */
export function quickPlans(version: CompiledVersion, prefixes: number, kinds: number): QuickPlans {
  /** Plan + 2: 0 is not looked at yet. */
  const known = new Int32Array(prefixes * kinds);
  const planAt = new Map<DayBands, number>();
  // few rows for all rules: where a day's bands end, and what rules have in common but the prices
  const ends = new CellTable((length) => new Int32Array(length));
  const shapes = new CellTable((length) => new Float64Array(length));
  /** A rule's shape, its connect fee as a numerator, the price of each step. */
  const rules = new CellTable((length) => new Float64Array(length));
  /** Where the bands' ends are, then each band's rule. */
  const plans = new CellTable((length) => new Int32Array(length));

  function planOf(prefix: number, kind: number, record: RateableRecord): number {
    const slot = prefix * kinds + kind;
    if (known[slot] === unknown) known[slot] = make(record) + 2;
    return known[slot]! - 2;
  }

  function make(record: RateableRecord): number {
    if (version.fallback !== null) return noPlan;
    const candidates = candidatesOf(version, record);
    if (candidates === null || !candidates.everyDay) return noPlan;
    const bands = candidates.bandsOn(0);
    let plan = planAt.get(bands);
    if (plan === undefined) {
      plan = bands.startsMs[0] === 0 && bands.rules.every(isPlain) ? put(bands) : noPlan;
      planAt.set(bands, plan);
    }
    return plan;
  }

  function put({ startsMs, rules: ofBands }: DayBands): number {
    return plans.put([ends.put([...startsMs.slice(1), dayMs]), ...ofBands.map((rule) => putRule(rule!))]);
  }

  function putRule({ connectFeeE8, rounding, steps }: CompiledRule): number {
    const { per } = steps[0]!;
    const increments = steps.flatMap(({ from, first, next }) => [from, first, next]);
    const shape = shapes.put([per * rounding.unitE8, rounding.unitE8, ...increments, Infinity]);
    return rules.put([shape, connectFeeE8 * per, ...steps.map(({ priceE8 }) => priceE8)]);
  }

  function amountOf(plan: number, timeOfDayMs: number, usage: number, timed: boolean): number {
    if (usage === 0) return 0;
    let end = plans.cells[plan]!;
    let band = plan + 1;
    for (; ends.cells[end]! <= timeOfDayMs; end += 1) band += 1;
    if (timed && timeOfDayMs + usage * 1000 > ends.cells[end]!) return needsRater;
    const { cells: ruleCells } = rules;
    const { cells: shapeCells } = shapes;
    const rule = plans.cells[band]!;
    const shape = ruleCells[rule]!;
    let numerator = ruleCells[rule + 1]!;
    let price = rule + 2;
    let step = shape + 2;
    let cursor = 0;
    while (cursor < usage) {
      for (; shapeCells[step + stepCells]! <= cursor; step += stepCells) price += 1;
      const border = Math.min(shapeCells[step + stepCells]!, usage);
      const first = shapeCells[step + 1]!;
      const next = shapeCells[step + 2]!;
      let billed = border - cursor;
      if (cursor > 0) billed = Math.ceil(billed / next) * next;
      else billed = billed <= first ? first : first + Math.ceil((billed - first) / next) * next;
      numerator += billed * ruleCells[price]!;
      cursor += billed;
    }
    const divisor = shapeCells[shape]!;
    if (!(numerator < plainBelow && divisor < plainBelow)) return needsRater;
    return Math.floor((2 * numerator + divisor) / (2 * divisor)) * shapeCells[shape + 1]!;
  }

  return { planOf, amountOf };
}

/** Steps of one `per`, rounded half away from zero, no minimum, no cap, and nothing that is not known here. */
function isPlain(rule: CompiledRule | null): boolean {
  if (rule === null || rule.rounding.mode !== 'half-away') return false;
  if (rule.minimumE8 !== 0 || rule.capE8 !== Infinity) return false;
  if (rule.steps.some((step) => step.per !== rule.steps[0]!.per)) return false;
  return Object.entries(rule).every(([key, value]) => plainKeys.has(key) || value === null || value === undefined);
}

function candidatesOf(version: CompiledVersion, record: RateableRecord) {
  switch (record.kind) {
    case 'voice':
      return version.voice.candidates(record);
    case 'sms':
      return version.sms.candidates(record);
    case 'mms':
      return version.mms.candidates(record);
    case 'data':
      return version.data.candidates(record);
    case 'recurring':
    case 'oneoff':
    case 'credit':
      return null;
  }
}

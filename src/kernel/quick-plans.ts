/**
 * Bands and steps of the rules that records of one prefix and kind meet, flat in typed arrays: what most records need, without
 * a walk over objects. Made from the compiled tariff as it is asked for; whatever has more to it than bands, steps and a
 * connect fee has no plan, and the rater decides.
 */
import type { CompiledRule, CompiledVersion } from '../telecom/compiled-tariff.ts';
import type { RateableRecord } from '../telecom/record.ts';
import type { DayBands } from '../telecom/rule-choice.ts';

/** `plans` answers: the rater has to decide. */
export const noPlan = -1;

/** A plan at `p` of `cells`: bands, then for each its start (ms of the local day) and its rule; the day's end behind them. */
export interface QuickPlans {
  /** Grows: read it anew after each `planOf`. */
  readonly cells: Float64Array;
  planOf(prefix: number, kind: number, record: RateableRecord): number;
}

/** Cells of a rule: connect fee, per, unit, then four for each step; `from` of a step behind the last one is Infinity. */
export const ruleConnect = 0;
export const rulePer = 1;
export const ruleUnit = 2;
export const ruleSteps = 3;
export const stepFrom = 0;
export const stepPrice = 1;
export const stepFirst = 2;
export const stepNext = 3;
export const stepCells = 4;

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
  const ruleAt = new Map<CompiledRule, number>();
  const planAt = new Map<DayBands, number>();
  let used = 0;
  const plans = { cells: new Float64Array(4096), planOf };

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
      plan = bands.rules.every(isPlain) ? put(bands) : noPlan;
      planAt.set(bands, plan);
    }
    return plan;
  }

  function put({ startsMs, rules }: DayBands): number {
    const at = rules.map((rule) => ruleAt.get(rule!) ?? putRule(rule!));
    const plan = room(2 * startsMs.length + 2);
    plans.cells[plan] = startsMs.length;
    for (const [band, startMs] of startsMs.entries()) {
      plans.cells[plan + 1 + 2 * band] = startMs;
      plans.cells[plan + 2 + 2 * band] = at[band]!;
    }
    plans.cells[plan + 1 + 2 * startsMs.length] = dayMs;
    return plan;
  }

  function putRule(rule: CompiledRule): number {
    const at = room(ruleSteps + stepCells * (rule.steps.length + 1));
    plans.cells[at + ruleConnect] = rule.connectFeeE8;
    plans.cells[at + rulePer] = rule.steps[0]!.per;
    plans.cells[at + ruleUnit] = rule.rounding.unitE8;
    for (const [index, step] of rule.steps.entries()) {
      const to = at + ruleSteps + stepCells * index;
      plans.cells[to + stepFrom] = step.from;
      plans.cells[to + stepPrice] = step.priceE8;
      plans.cells[to + stepFirst] = step.first;
      plans.cells[to + stepNext] = step.next;
    }
    plans.cells[at + ruleSteps + stepCells * rule.steps.length + stepFrom] = Infinity;
    ruleAt.set(rule, at);
    return at;
  }

  function room(cells: number): number {
    const at = used;
    used += cells;
    if (used > plans.cells.length) {
      const larger = new Float64Array(Math.max(used, plans.cells.length * 2));
      larger.set(plans.cells);
      plans.cells = larger;
    }
    return at;
  }

  return plans;
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

/**
 * The simulator's `truth.json` beside the totals that the service published: every cycle, every subscription, every
 * category, every number, to the last digit.
 */
import { readFileSync } from 'node:fs';
import type { TotalRowView, TotalsView } from '../../admin/views.ts';

export interface TruthCycle {
  /** None: of files by KPN SP16. */
  readonly provider?: string;
  readonly customer: string;
  readonly account: string;
  readonly cycleStart: string;
  readonly records: string;
  readonly unrated: string;
  readonly amountE8: string;
  readonly totals: readonly TotalRowView[];
}

export interface CycleComparison {
  readonly provider: string;
  readonly customer: string;
  readonly account: string;
  readonly cycleStart: string;
  readonly rows: number;
  readonly records: string;
  readonly unrated: string;
  readonly amountE8: string;
  readonly truthAmountE8: string;
  /** What differs; the subscription is not named, only its category. Empty when all is equal. */
  readonly differences: readonly string[];
}

const numbers = ['records', 'unrated', 'usageS', 'usageOctets', 'usageCount', 'amountE8', 'providerAmountE8'] as const;

/** Throws when the file is not there or is not JSON. */
export function readTruth(path: string): readonly TruthCycle[] {
  return (JSON.parse(readFileSync(path, 'utf8')) as { cycles: TruthCycle[] }).cycles;
}

/** `totals`: the views of one cycle with their rows, of all contracts of the customer; undefined when there are none. */
export function compareCycle(truth: TruthCycle, totals: TotalsView | undefined): CycleComparison {
  const { customer, account, cycleStart } = truth;
  const differences: string[] = [];
  const ours = new Map(totals?.rows.map((row) => [`${row.msisdn} ${row.category}`, row]));
  for (const expected of truth.totals) {
    const key = `${expected.msisdn} ${expected.category}`;
    const row = ours.get(key);
    ours.delete(key);
    if (!row) {
      differences.push(`a total of ${expected.category} is missing: truth has ${expected.amountE8}`);
      continue;
    }
    for (const name of numbers) {
      if (String(row[name]) !== expected[name]) {
        differences.push(`${expected.category}: ${name} is ${row[name]}, truth is ${expected[name]}`);
      }
    }
  }
  for (const row of ours.values()) differences.push(`a total of ${row.category} is not in the truth: ${row.amountE8}`);
  return {
    provider: truth.provider ?? 'KPN_SP16',
    customer,
    account,
    cycleStart,
    rows: truth.totals.length,
    records: totals?.records ?? '0',
    unrated: totals?.unrated ?? '0',
    amountE8: totals?.amountE8 ?? '0',
    truthAmountE8: truth.amountE8,
    differences,
  };
}

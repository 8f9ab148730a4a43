/** What the demo prints at its end: totals beside the truth, the time of every step, and what to try next. */
import type { SyncTaskView } from '../../admin/views.ts';
import { formatAmountE8 } from '../../telecom/money.ts';
import type { CliIo } from '../context.ts';
import { count, printLine, printTable } from '../print.ts';
import type { CycleComparison } from './truth.ts';

export interface Timing {
  /** As `nameOf` says. */
  readonly profile: string;
  readonly step: string;
  readonly outcome: string;
  readonly durationMs: number | null;
}

const shownDifferences = 5;

/** A customer has a profile for each provider: `C001/sp16`. */
export function nameOf({ customer, profile }: Pick<SyncTaskView, 'customer' | 'profile'>): string {
  return `${customer}/${profile}`;
}

export async function printComparison(io: CliIo, comparisons: readonly CycleComparison[]): Promise<void> {
  printLine(io, '');
  await printTable(
    io,
    [
      { head: 'provider', of: (one) => one.provider },
      { head: 'customer', of: (one) => one.customer },
      { head: 'cycle', of: (one) => one.cycleStart },
      { head: 'records', of: (one) => count(one.records), right: true },
      { head: 'unrated', of: (one) => one.unrated, right: true },
      { head: 'totals', of: (one) => count(one.rows), right: true },
      { head: 'amount EUR', of: (one) => formatAmountE8(BigInt(one.amountE8)), right: true },
      { head: 'truth EUR', of: (one) => formatAmountE8(BigInt(one.truthAmountE8)), right: true },
      { head: 'equal', of: (one) => (one.differences.length === 0 ? 'to the last digit' : 'NO') },
    ],
    comparisons,
    'no cycle was simulated',
  );
  for (const { provider, customer, cycleStart, differences } of comparisons) {
    for (const difference of differences.slice(0, shownDifferences))
      printLine(io, `${provider} ${customer} ${cycleStart}: ${difference}`);
    if (differences.length > shownDifferences)
      printLine(io, `${provider} ${customer} ${cycleStart}: ${differences.length} differences in all`);
  }
}

export async function printTimings(
  io: CliIo,
  timings: readonly Timing[],
  tasks: readonly SyncTaskView[],
): Promise<void> {
  printLine(io, '');
  await printTable(
    io,
    [
      { head: 'profile', of: (one) => one.profile },
      { head: 'step', of: (one) => one.step },
      { head: 'outcome', of: (one) => one.outcome },
      { head: 'seconds', of: (one) => ((one.durationMs ?? 0) / 1000).toFixed(2), right: true },
    ],
    timings,
    'no step ran',
  );
  printLine(io, '');
  for (const task of tasks) {
    const { status, counts } = task;
    const { files = 0, records = 0 } = counts as { files?: number; records?: number };
    printLine(io, `${nameOf(task)}: sync ${status}, ${files} new files with ${count(records)} records imported`);
  }
}

export function printNext(io: CliIo, socket: string, equal: boolean, stays: boolean): void {
  printLine(io, '');
  printLine(io, equal ? 'Every total equals the truth.' : 'Totals differ from the truth.');
  if (!stays) {
    printLine(io, 'Next: run it again (nothing is imported twice), or keep the service: npm run demo -- --stay');
    return;
  }
  printLine(io, 'The service goes on. In another shell, in this directory:');
  for (const command of [
    'status',
    'totals show --customer C001',
    'totals explain --customer C001 --cycle 2026-03-01 --category national-mobile --limit 3',
    'sync run --customer C001 --wait',
    'chain list',
  ]) {
    printLine(io, `  bin/linekeeper ${command} --socket ${socket}`);
  }
  printLine(io, 'Stop it with Ctrl-C.');
}

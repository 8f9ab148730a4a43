/** `linekeeper cycle list | close | reopen`: where each cycle stands, and a person's decision about one. */
import type { CycleChangedView, CycleReopenedView, CycleView } from '../admin/views.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { count, printJson, printLine, printTable, time } from './print.ts';

export interface CycleOptions extends ServiceOptions {
  readonly customer: string;
  readonly cycle: string;
  readonly account?: string;
  readonly reason: string;
}

export async function cycleList(io: CliIo, options: ServiceOptions & { customer: string }): Promise<number> {
  const client = await openClient(io, options);
  const cycles = await client.get<readonly CycleView[]>('/cycles', { query: { customer: options.customer } });
  if (options.json) {
    printJson(io, cycles);
    return exitCode.ok;
  }
  await printTable(
    io,
    [
      { head: 'CYCLE', of: (cycle) => cycle.cycleStart },
      { head: 'ACCOUNT', of: (cycle) => cycle.account },
      { head: 'STATE', of: (cycle) => cycle.state },
      { head: 'CLOSES (UTC)', of: (cycle) => time(cycle.closesAt) },
      { head: 'GENERATION', of: (cycle) => String(cycle.generation ?? ''), right: true },
      { head: 'RECORDS', of: (cycle) => count(cycle.records), right: true },
      { head: 'AMOUNT EUR', of: (cycle) => formatAmountE8(BigInt(cycle.amountE8)), right: true },
      { head: 'ADJUSTED EUR', of: adjustedBy, right: true },
      { head: 'WAITS', of: (cycle) => cycle.waits ?? '' },
    ],
    cycles,
    `${options.customer} has no cycles yet`,
  );
  return exitCode.ok;
}

/** What later cycles add to a closed one. */
function adjustedBy({ adjustments, adjustmentsE8 }: CycleView): string {
  return adjustments === '0' ? '' : `${formatAmountE8(BigInt(adjustmentsE8))} (${count(adjustments)} records)`;
}

export async function cycleClose(io: CliIo, options: CycleOptions): Promise<number> {
  const client = await openClient(io, options);
  const closed = await client.post<CycleChangedView>('/cycles/close', decided(options));
  if (options.json) printJson(io, closed);
  else printLine(io, `cycle ${closed.cycleStart} of account ${closed.account} is closed; what comes late adjusts it`);
  return exitCode.ok;
}

export async function cycleReopen(io: CliIo, options: CycleOptions): Promise<number> {
  const client = await openClient(io, options);
  const reopened = await client.post<CycleReopenedView>('/cycles/reopen', decided(options));
  if (options.json) {
    printJson(io, reopened);
    return exitCode.ok;
  }
  const { account, cycleStart, broughtHome, chains } = reopened;
  printLine(io, `cycle ${cycleStart} of account ${account} is open again; it closes a day after its last change`);
  if (broughtHome > 0) {
    printLine(io, `${count(broughtHome)} adjustments came home; calculated again by chain ${chains.join(', ')}`);
  }
  return exitCode.ok;
}

/** What the doors take of a decision about one cycle. */
export function decided({ customer, cycle, account, reason }: CycleOptions): Record<string, string> {
  return { customer, cycle, reason, ...(account === undefined ? {} : { account }) };
}

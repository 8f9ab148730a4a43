/** `linekeeper totals recalculate`: backs up and calculates a cycle again; with `--wait` until it ended. */
import type { ChainDetailView, RecalculationView, WaitingTotalsView } from '../admin/views.ts';
import { type AdminClient, openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printLine } from './print.ts';
import { openProgress } from './progress.ts';
import { waitForChain } from './wait.ts';

export interface RecalculateOptions extends ServiceOptions {
  readonly customer: string;
  readonly cycle: string;
  readonly account?: string;
  readonly wait?: boolean;
}

export async function totalsRecalculate(io: CliIo, options: RecalculateOptions): Promise<number> {
  const client = await openClient(io, options);
  const { customer, cycle, account } = options;
  const started = await client.post<RecalculationView>('/totals/recalculate', { customer, cycle, account });
  if (!options.wait) {
    if (options.json) printJson(io, started);
    for (const { chainId, account, cycleStart } of options.json ? [] : started.chains) {
      printLine(
        io,
        `chain ${chainId} calculates ${account}, cycle ${cycleStart}; see: linekeeper chain show ${chainId}`,
      );
    }
    return exitCode.ok;
  }
  const progress = options.json ? undefined : openProgress(io);
  const ended: ChainDetailView[] = [];
  for (const { chainId, account, cycleStart } of started.chains) {
    ended.push(await waitForChain(io, client, chainId, `totals ${account} ${cycleStart}`, progress));
  }
  if (options.json) printJson(io, ended);
  for (const chain of options.json ? [] : ended) {
    printLine(io, `chain ${chain.id} ${chain.state}${chain.reason === null ? '' : `: ${chain.reason}`}`);
  }
  if (!options.json) await tellWaiting(io, client, options.customer, started);
  return ended.every((chain) => chain.state === 'succeeded') ? exitCode.ok : exitCode.failed;
}

/** A calculation that succeeded need not be what readers see. */
async function tellWaiting(
  io: CliIo,
  client: AdminClient,
  customer: string,
  { chains }: RecalculationView,
): Promise<void> {
  const waiting = await client.get<readonly WaitingTotalsView[]>('/totals/review', { query: { customer } });
  const isAsked = ({ account, cycleStart }: WaitingTotalsView) =>
    chains.some((chain) => chain.account === account && chain.cycleStart === cycleStart);
  for (const one of waiting.filter(isAsked)) {
    printLine(
      io,
      `generation ${one.generation} of ${one.account} ${one.cycleStart} waits for a person, ${one.current} stays current: ${one.why}; see: linekeeper totals review`,
    );
  }
}

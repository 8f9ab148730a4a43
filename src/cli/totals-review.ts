/** `linekeeper totals review [accept | discard]` and `totals restore`: a person decides which totals are current. */
import type { TotalsChangedView, TotalsDecidedView, WaitingTotalsView } from '../admin/views.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { type CycleOptions, decided } from './cycle.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { count, printJson, printLine, printTable, time } from './print.ts';

export async function totalsReview(
  io: CliIo,
  verdict: string | undefined,
  options: ServiceOptions & Partial<CycleOptions>,
): Promise<number> {
  if (verdict === undefined) return listWaiting(io, options);
  if (verdict !== 'accept' && verdict !== 'discard') {
    throw new CliError(exitCode.usage, `totals review takes accept or discard, or nothing for a list, not ${verdict}`);
  }
  const { customer, cycle, reason } = options;
  if (customer === undefined || cycle === undefined || reason === undefined) {
    throw new CliError(exitCode.usage, `totals review ${verdict} needs --customer, --cycle and --reason`);
  }
  const client = await openClient(io, options);
  const body = { ...decided({ ...options, customer, cycle, reason }), verdict };
  const done = await client.post<TotalsDecidedView>('/totals/review', body);
  if (options.json) printJson(io, done);
  else {
    const became = verdict === 'accept' ? 'is current' : 'is discarded; the current totals stay';
    printLine(io, `generation ${done.generation} of cycle ${done.cycleStart}, account ${done.account}, ${became}`);
  }
  return exitCode.ok;
}

async function listWaiting(io: CliIo, options: ServiceOptions & Partial<CycleOptions>): Promise<number> {
  const client = await openClient(io, options);
  const query = options.customer === undefined ? {} : { customer: options.customer };
  const all = await client.get<readonly WaitingTotalsView[]>('/totals/review', { query });
  const account = options.account?.padStart(10, '0');
  const waiting = all.filter(
    (one) =>
      (options.cycle === undefined || one.cycleStart === options.cycle) &&
      (account === undefined || one.account === account),
  );
  if (options.json) {
    printJson(io, waiting);
    return exitCode.ok;
  }
  const euros = (amountE8: string) => formatAmountE8(BigInt(amountE8));
  await printTable(
    io,
    [
      { head: 'CUSTOMER', of: (one) => one.customer },
      { head: 'CYCLE', of: (one) => one.cycleStart },
      { head: 'ACCOUNT', of: (one) => one.account },
      { head: 'GENERATION', of: (one) => `${one.current} > ${one.generation}` },
      { head: 'RECORDS', of: (one) => `${count(one.currentRecords)} > ${count(one.records)}` },
      { head: 'AMOUNT EUR', of: (one) => `${euros(one.currentAmountE8)} > ${euros(one.amountE8)}` },
      { head: 'SINCE (UTC)', of: (one) => time(one.since) },
      { head: 'WHY', of: (one) => one.why },
    ],
    waiting,
    'no totals wait for a person',
  );
  return exitCode.ok;
}

export async function totalsRestore(io: CliIo, options: CycleOptions & { generation: number }): Promise<number> {
  const client = await openClient(io, options);
  const { generation } = options;
  const done = await client.post<TotalsChangedView>('/totals/restore', { ...decided(options), generation });
  if (options.json) printJson(io, done);
  else {
    printLine(
      io,
      `generation ${done.generation} of cycle ${done.cycleStart}, account ${done.account}, is current again (digest ${done.digest.slice(0, 12)}); generation ${done.replaced} is a backup`,
    );
  }
  return exitCode.ok;
}

/** `linekeeper totals show`: one line per cycle, or with `--cycle` one per subscription and category. */
import type { TotalRowView, TotalsView } from '../admin/views.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { count, printJson, printLine, printTable, time } from './print.ts';

export interface TotalsShowOptions extends ServiceOptions {
  readonly customer: string;
  readonly cycle?: string;
  readonly numbers?: boolean;
}

export async function totalsShow(io: CliIo, options: TotalsShowOptions): Promise<number> {
  const client = await openClient(io, options);
  const { customer, cycle, numbers } = options;
  const query = { customer, cycle, ...(numbers ? { numbers } : {}) };
  const totals = await client.get<readonly TotalsView[]>('/totals', { query });
  if (options.json) {
    printJson(io, totals);
    return exitCode.ok;
  }
  await printTable(
    io,
    [
      { head: 'CYCLE', of: (total) => total.cycleStart },
      { head: 'ACCOUNT', of: (total) => total.account },
      { head: 'GENERATION', of: (total) => String(total.generation), right: true },
      { head: 'RECORDS', of: (total) => count(total.records), right: true },
      { head: 'UNRATED', of: (total) => count(total.unrated), right: true },
      { head: 'AMOUNT EUR', of: (total) => formatAmountE8(BigInt(total.amountE8)), right: true },
      { head: 'PUBLISHED (UTC)', of: (total) => time(total.createdAt) },
      { head: 'DIGEST', of: (total) => total.digest.slice(0, 12) },
    ],
    totals,
    `no totals are published for ${customer}${cycle === undefined ? '' : `, cycle ${cycle}`} yet`,
  );
  for (const total of cycle === undefined ? [] : totals) {
    printLine(io, '');
    await printRows(io, total.rows);
  }
  return exitCode.ok;
}

function printRows(io: CliIo, rows: readonly TotalRowView[]): Promise<void> {
  return printTable(
    io,
    [
      { head: 'SUBSCRIPTION', of: (row) => row.msisdn },
      { head: 'CATEGORY', of: (row) => row.category },
      { head: 'RECORDS', of: (row) => count(row.records), right: true },
      { head: 'UNRATED', of: (row) => count(row.unrated), right: true },
      { head: 'USAGE', of: usageOf, right: true },
      { head: 'AMOUNT EUR', of: (row) => formatAmountE8(BigInt(row.amountE8)), right: true },
    ],
    rows,
    'no usage in this cycle',
  );
}

function usageOf(row: TotalRowView): string {
  const parts = [
    row.usageS === '0' ? '' : `${count(row.usageS)} s`,
    row.usageOctets === '0' ? '' : `${count(row.usageOctets)} octets`,
    row.usageCount === '0' ? '' : `${count(row.usageCount)} x`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

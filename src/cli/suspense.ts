/** `linekeeper suspense list`. */
import type { SuspenseView } from '../admin/views.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { count, printJson, printTable, tellCut } from './print.ts';

export interface SuspenseListOptions extends ServiceOptions {
  readonly numbers?: boolean;
  readonly limit: number;
}

export async function suspenseList(io: CliIo, options: SuspenseListOptions): Promise<number> {
  const client = await openClient(io, options);
  const { numbers, limit } = options;
  const waiting = await client.get<readonly SuspenseView[]>('/suspense', { query: { numbers, limit } });
  tellCut(io, waiting, limit);
  if (options.json) {
    printJson(io, waiting);
    return exitCode.ok;
  }
  await printTable(
    io,
    [
      { head: 'RESELLER', of: (row) => row.reseller },
      { head: 'END CUSTOMER', of: (row) => row.endCustomer },
      { head: 'CUSTOMER', of: (row) => row.customer ?? '(no contract)' },
      { head: 'PERIOD', of: (row) => row.period },
      { head: 'SUBSCRIPTION', of: (row) => row.msisdn ?? '(all)' },
      { head: 'RECORDS', of: (row) => count(row.records), right: true },
      { head: 'PROVIDER EUR', of: (row) => formatAmountE8(BigInt(row.providerAmountE8)), right: true },
    ],
    waiting,
    'nothing is in suspense',
  );
  return exitCode.ok;
}

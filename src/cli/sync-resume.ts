/** `linekeeper sync resume`: lets a suspended profile ask its provider again. */
import type { SyncResumedView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printLine } from './print.ts';

export interface SyncResumeOptions extends ServiceOptions {
  readonly customer: string;
  readonly profile?: string;
}

export async function syncResume(io: CliIo, options: SyncResumeOptions): Promise<number> {
  const client = await openClient(io, options);
  const { customer, profile } = options;
  const resumed = await client.post<SyncResumedView>('/sync/resume', {
    customer,
    ...(profile === undefined ? {} : { profile }),
  });
  if (options.json) printJson(io, resumed);
  else if (resumed.resumed.length === 0) printLine(io, `no profile of ${customer} was suspended`);
  for (const one of options.json ? [] : resumed.resumed) {
    printLine(io, `${customer}/${one.profile} goes on at once (it was suspended: ${one.reason})`);
  }
  return exitCode.ok;
}

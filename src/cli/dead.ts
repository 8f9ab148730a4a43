/** `linekeeper dead retry | remove`: dead letters, many at once or one for good. */
import type { ChainView, DeadRetriedView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { printJson, printLine } from './print.ts';

export interface DeadRetryOptions extends ServiceOptions {
  readonly name?: string;
  readonly step?: string;
}

export async function deadRetry(io: CliIo, { name, step, ...options }: DeadRetryOptions): Promise<number> {
  const client = await openClient(io, options);
  const answer = await client.post<DeadRetriedView>('/dead/retry', { ...(name && { name }), ...(step && { step }) });
  if (options.json) printJson(io, answer);
  else {
    printLine(io, `${answer.retried.length} chains try again`);
    for (const { why } of answer.refused) printLine(io, why);
  }
  return exitCode.ok;
}

export async function deadRemove(io: CliIo, id: string, options: ServiceOptions & { why?: string }): Promise<number> {
  const client = await openClient(io, options);
  const body = options.why ? { why: options.why } : {};
  const chain = await client.post<ChainView>(`/dead/${encodeURIComponent(id)}/remove`, body);
  if (options.json) printJson(io, chain);
  else printLine(io, `chain ${chain.id} is ${chain.state} now`);
  return exitCode.ok;
}

/** `linekeeper chain show ID`: where a chain stands and what every attempt did. */
import type { ChainDetailView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { count, printJson, printLine, printTable, time } from './print.ts';

export async function chainShow(io: CliIo, id: string, options: ServiceOptions): Promise<number> {
  const client = await openClient(io, options);
  const chain = await client.get<ChainDetailView>(`/chains/${encodeURIComponent(id)}`);
  if (options.json) {
    printJson(io, chain);
    return exitCode.ok;
  }
  const steps = chain.steps.map((step) => (step === chain.step ? `[${step}]` : step)).join(' > ');
  printLine(io, `chain ${chain.id} ${chain.name}${chain.subject === null ? '' : ` of ${chain.subject}`}: ${steps}`);
  printLine(
    io,
    `state ${chain.state} since ${time(chain.since)} UTC${chain.reason === null ? '' : `: ${chain.reason}`}`,
  );
  if (chain.progress) {
    printLine(io, `progress ${count(chain.progress.done)}/${count(chain.progress.total)} ${chain.progress.unit}`);
  }
  printLine(
    io,
    `attempt ${chain.attempt}, rejected ${chain.rejections} times, trace ${chain.traceparent.split('-')[1]}`,
  );
  printLine(io, `input ${JSON.stringify(chain.input)}`);
  printLine(io, '');
  await printTable(
    io,
    [
      { head: 'AT (UTC)', of: (entry) => time(entry.at) },
      { head: 'TOKEN', of: (entry) => entry.token, right: true },
      { head: 'STEP', of: (entry) => entry.step },
      { head: 'TRY', of: (entry) => String(entry.attempt), right: true },
      { head: 'OUTCOME', of: (entry) => entry.outcome },
      {
        head: 'MS',
        of: (entry) => (entry.durationMs === null ? '' : count(Math.round(entry.durationMs))),
        right: true,
      },
      { head: 'REASON', of: (entry) => entry.reason ?? '' },
    ],
    chain.log,
    'no step has ended yet',
  );
  return exitCode.ok;
}

/** `linekeeper purge`: removes now what is past its retention, or says what that would be. */
import type { PurgedView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { count, printJson, printLine } from './print.ts';

export async function purge(io: CliIo, options: ServiceOptions & { dryRun?: boolean }): Promise<number> {
  const client = await openClient(io, options);
  const dryRun = options.dryRun ?? false;
  const purged = await client.post<PurgedView>('/purge', { dryRun });
  if (options.json) {
    printJson(io, purged);
    return exitCode.ok;
  }
  const {
    files,
    bytes,
    quarantine,
    suspense,
    suspenseRecords,
    cycles,
    cdr,
    rated,
    partitions,
    totals,
    keptOpen,
    more,
  } = purged;
  printLine(io, `${dryRun ? 'would remove' : 'removed'} what is past its retention:`);
  printLine(io, `  raw files: ${count(files)} (${count(bytes)} bytes); their rows stay`);
  printLine(io, `  lines in quarantine: ${count(quarantine)}`);
  if (suspense > 0) {
    printLine(io, `  deliveries in suspense: ${count(suspense)}, with ${count(suspenseRecords)} records`);
  }
  printLine(
    io,
    `  records: ${count(cdr)}, their prices: ${count(rated)}, of ${count(cycles)} cycles; their totals stay`,
  );
  if (partitions.length > 0) printLine(io, `  whole months: ${partitions.join(', ')}`);
  printLine(io, `  totals, invoices and reconciliations: of ${count(totals)} cycles`);
  if (keptOpen > 0) {
    printLine(
      io,
      `${count(keptOpen)} cycles are past it and kept, because they are not closed; see: linekeeper cycle list`,
    );
  }
  if (more) printLine(io, 'there is more: the schedule purge:daily goes on with it, or this command');
  return exitCode.ok;
}

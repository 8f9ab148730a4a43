/** `linekeeper reconcile dispute`: disputes every open finding of a cycle and writes all disputed ones as CSV, mode 0600. */
import { resolve } from 'node:path';
import type { DisputeView } from '../admin/views.ts';
import { disputeCsv } from '../reconciliation/dispute-csv.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { count, printJson, printLine } from './print.ts';
import { writeWhole } from './write-whole.ts';

export interface DisputeOptions extends ServiceOptions {
  readonly customer: string;
  readonly account?: string;
  readonly cycle: string;
  readonly out: string;
  readonly why: string;
}

export async function reconcileDispute(io: CliIo, options: DisputeOptions): Promise<number> {
  const client = await openClient(io, options);
  const { customer, account, cycle, out, why } = options;
  const disputed = await client.post<DisputeView>('/reconciliations/dispute', { customer, account, cycle, why });
  const path = resolve(io.cwd, out);
  const then = '; the findings are disputed, run it again with another --out';
  await writeWhole(path, disputeCsv(disputed.reconciliations), then);
  for (const { stale, account: of } of disputed.reconciliations) {
    for (const because of stale)
      io.stderr.write(`linekeeper: the reconciliation of account ${of} is stale: ${because}\n`);
  }
  const findings = disputed.reconciliations.reduce((sum, one) => sum + one.findings.length, 0);
  if (options.json) printJson(io, { file: path, findings, newly: disputed.newly });
  else printLine(io, `${out}: ${count(findings)} disputed findings, ${count(disputed.newly)} of them from now on`);
  return exitCode.ok;
}

/** `linekeeper subscription erase | export`: what is held about one number, gone for good or given to its owner. */
import { resolve } from 'node:path';
import type { ErasedView, SubscriptionExportView } from '../admin/views.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { count, printJson, printLine } from './print.ts';
import { writeWhole } from './write-whole.ts';

type Which = ServiceOptions & { readonly customer: string };

export async function subscriptionErase(
  io: CliIo,
  msisdn: string,
  options: Which & { reason: string },
): Promise<number> {
  const { customer, reason } = options;
  const client = await openClient(io, options);
  const erased = await client.post<ErasedView>('/subscriptions/erase', { customer, msisdn, reason });
  if (options.json) {
    printJson(io, erased);
    return exitCode.ok;
  }
  const { pseudonym, records, totals, generations, invoiceLines, findings, quarantine, alerts, files } = erased;
  printLine(io, `erased; what stays of it is called ${pseudonym}`);
  printLine(
    io,
    `  ${count(records)} records, ${count(totals)} rows of ${count(generations)} generations of totals, ${count(invoiceLines)} invoice lines,`,
  );
  printLine(
    io,
    `  ${count(findings)} findings, ${count(quarantine)} lines in quarantine, ${count(alerts)} alerts; no amount changed`,
  );
  const { chains } = erased;
  if (chains.length > 0)
    printLine(io, `totals of cycles that are not closed: calculated again by chain ${chains.join(', ')}`);
  if (files > 0) {
    printLine(io, `the bytes of ${count(files)} raw files hold it until their retention is over (docs/retention.md)`);
  }
  printLine(io, 'take it out of the customers document too: applying that would bring it back');
  return exitCode.ok;
}

export async function subscriptionExport(io: CliIo, msisdn: string, options: Which & { out: string }): Promise<number> {
  const { customer, out, json } = options;
  const client = await openClient(io, options);
  const exported = await client.post<SubscriptionExportView>('/subscriptions/export', { customer, msisdn });
  await writeWhole(resolve(io.cwd, out), `${JSON.stringify(exported, null, 1)}\n`);
  const records = exported.records.length;
  if (json) printJson(io, { out, records });
  else
    printLine(
      io,
      `${out}: all that is held about it, ${count(records)} records; the file is readable by its owner only`,
    );
  return exitCode.ok;
}

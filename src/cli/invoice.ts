/** `linekeeper invoice load FILE`, `invoice list` and `invoice show NUMBER`. */
import type { InvoiceDetailView, InvoiceLineView, InvoiceView, LoadedInvoice } from '../admin/views.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { count, printJson, printLine, printTable, tellCut } from './print.ts';
import { readDocument, readText } from './read-document.ts';

export async function invoiceLoad(
  io: CliIo,
  file: string,
  options: ServiceOptions & { replace?: boolean; force?: boolean },
): Promise<number> {
  const isCsv = file.toLowerCase().endsWith('.csv');
  const content = isCsv ? { csv: readText(io, file) } : { document: readDocument(io, file) };
  const client = await openClient(io, options);
  const { replace = false, force = false } = options;
  let loaded: LoadedInvoice;
  try {
    loaded = await client.post<LoadedInvoice>('/invoices', { ...content, replace, force });
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== exitCode.failed) throw error;
    throw new CliError(exitCode.failed, `${file}: ${error.message}`, { cause: error });
  }
  for (const column of loaded.ignoredColumns ?? []) {
    io.stderr.write(`linekeeper: ${file}: column ${column} is not known and was passed over\n`);
  }
  if (options.json) {
    printJson(io, loaded);
    return exitCode.ok;
  }
  const what = loaded.kind === 'invoice' ? 'invoice' : 'credit note';
  const version = loaded.version === 1 ? '' : ` version ${loaded.version}`;
  const about = `${what} ${loaded.invoice}${version} of ${loaded.customer} account ${loaded.account}, cycle ${loaded.cycle}`;
  const words = loaded.stored
    ? `${count(loaded.lines)} lines, ${loaded.net} EUR net`
    : 'was loaded before, and is as it was';
  printLine(io, `${file}: ${about}: ${words}`);
  for (const number of loaded.moved ?? [])
    printLine(io, `credit note ${number} goes with it into cycle ${loaded.cycle}`);
  if (loaded.ended !== undefined) {
    printLine(io, `cycle ${loaded.ended} has no invoice any more; what was found there is over`);
  }
  return exitCode.ok;
}

export async function invoiceList(
  io: CliIo,
  options: ServiceOptions & { customer: string; account?: string; limit: number },
): Promise<number> {
  const client = await openClient(io, options);
  const { customer, account, limit } = options;
  const invoices = await client.get<readonly InvoiceView[]>('/invoices', { query: { customer, account, limit } });
  tellCut(io, invoices, limit);
  if (options.json) {
    printJson(io, invoices);
    return exitCode.ok;
  }
  await printTable(
    io,
    [
      { head: 'DATE', of: (invoice) => invoice.date },
      { head: 'NUMBER', of: (invoice) => invoice.number },
      { head: 'VERSION', of: versionOf },
      { head: 'KIND', of: (invoice) => invoice.kind + (invoice.refersTo === null ? '' : ` of ${invoice.refersTo}`) },
      { head: 'ACCOUNT', of: (invoice) => invoice.account },
      { head: 'CYCLE', of: (invoice) => invoice.cycleStart },
      { head: 'LINES', of: (invoice) => count(invoice.lineCount), right: true },
      { head: 'NET EUR', of: (invoice) => formatAmountE8(BigInt(invoice.netE8), 2), right: true },
      { head: 'GROSS EUR', of: (invoice) => formatAmountE8(BigInt(invoice.grossE8), 2), right: true },
      { head: 'RECONCILED', of: (invoice) => invoice.reconciled?.status ?? '' },
    ],
    invoices,
    `no invoice of ${customer} is loaded yet`,
  );
  return exitCode.ok;
}

function versionOf({ version, state }: InvoiceView): string {
  return state === 'replaced' ? `${version} (replaced)` : String(version);
}

export async function invoiceShow(
  io: CliIo,
  number: string,
  options: ServiceOptions & { customer: string; account?: string; numbers?: boolean },
): Promise<number> {
  const client = await openClient(io, options);
  const { customer, account, numbers } = options;
  const query = { customer, account, ...(numbers ? { numbers } : {}) };
  const found = await client.get<readonly InvoiceDetailView[]>(`/invoices/${encodeURIComponent(number)}`, { query });
  if (options.json) {
    printJson(io, found);
    return exitCode.ok;
  }
  for (const invoice of found) await printInvoice(io, invoice);
  return exitCode.ok;
}

async function printInvoice(io: CliIo, invoice: InvoiceDetailView): Promise<void> {
  const [net, vat, gross] = [invoice.netE8, invoice.vatE8, invoice.grossE8].map((e8) => formatAmountE8(BigInt(e8), 2));
  const refers = invoice.refersTo === null ? '' : ` of invoice ${invoice.refersTo}`;
  const fees = invoice.feesCycleStart === invoice.cycleStart ? '' : `, fees of ${invoice.feesCycleStart}`;
  printLine(io, `${invoice.kind} ${invoice.number} version ${invoice.version}${refers} of ${invoice.date}`);
  printLine(io, `${invoice.customer} account ${invoice.account} cycle ${invoice.cycleStart}${fees}`);
  printLine(io, `net ${net}, VAT ${vat}, gross ${gross} EUR; loaded by ${invoice.loadedBy}`);
  for (const row of invoice.vat) {
    const [base, of] = [row.netE8, row.vatE8].map((e8) => formatAmountE8(BigInt(e8), 2));
    printLine(io, `VAT ${row.code}: ${of} of ${base} at ${row.rateE2 / 100} %`);
  }
  await printTable(
    io,
    [
      { head: 'LINE', of: (line) => String(line.line), right: true },
      { head: 'SUBSCRIPTION', of: (line) => line.msisdn ?? '' },
      { head: 'CATEGORY', of: (line) => line.category },
      { head: 'RECORDS', of: (line) => count(line.records ?? ''), right: true },
      { head: 'QUANTITY', of: (line) => count(line.quantity ?? ''), right: true },
      { head: 'PRICE', of: priceOf, right: true },
      { head: 'NET EUR', of: (line) => formatAmountE8(BigInt(line.netE8)), right: true },
      { head: 'VAT', of: (line) => line.vatCode },
      { head: 'DESCRIPTION', of: (line) => line.description },
    ],
    invoice.lines,
    'no lines',
  );
}

function priceOf({ unitPriceE8, per }: InvoiceLineView): string {
  return unitPriceE8 === null ? '' : `${formatAmountE8(BigInt(unitPriceE8))} per ${count(per ?? '1')}`;
}

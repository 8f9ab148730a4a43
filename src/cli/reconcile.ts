/** `linekeeper reconcile run`, `reconcile show` and `reconcile set`. */
import type { FindingDecidedView, FindingView, ReconciliationView } from '../admin/views.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { count, printJson, printLine, printTable, time } from './print.ts';

export interface RunOptions extends ServiceOptions {
  readonly customer: string;
  readonly account?: string;
  readonly cycle?: string;
  readonly invoice?: string;
}

export async function reconcileRun(io: CliIo, options: RunOptions): Promise<number> {
  const { customer, account, cycle, invoice } = options;
  if ((cycle === undefined) === (invoice === undefined)) {
    throw new CliError(exitCode.usage, 'either --cycle or --invoice says what to reconcile (one of them)');
  }
  const client = await openClient(io, options);
  const made = await client.post<readonly ReconciliationView[]>('/reconciliations', {
    customer,
    account,
    cycle,
    invoice,
  });
  if (options.json) printJson(io, made);
  else for (const one of made) await printReconciliation(io, one);
  return exitCode.ok;
}

export interface ShowOptions extends ServiceOptions {
  readonly customer: string;
  readonly account?: string;
  readonly cycle?: string;
  readonly state?: string;
  readonly numbers?: boolean;
}

export async function reconcileShow(io: CliIo, options: ShowOptions): Promise<number> {
  const client = await openClient(io, options);
  const { customer, account, cycle, state, numbers } = options;
  const query = { customer, account, cycle, state, ...(numbers ? { numbers } : {}) };
  const found = await client.get<readonly ReconciliationView[]>('/reconciliations', { query });
  if (options.json) {
    printJson(io, found);
  } else if (cycle === undefined) {
    await printList(io, customer, found);
  } else {
    for (const one of found) await printReconciliation(io, one);
  }
  return exitCode.ok;
}

export async function reconcileSet(
  io: CliIo,
  finding: string,
  state: string,
  options: ServiceOptions & { why: string },
): Promise<number> {
  const client = await openClient(io, options);
  const { why } = options;
  const decided = await client.post<FindingDecidedView>(`/findings/${encodeURIComponent(finding)}`, { state, why });
  if (options.json) printJson(io, decided);
  else printLine(io, `finding ${decided.id} was ${decided.before} and is ${decided.state} now`);
  return exitCode.ok;
}

function printList(io: CliIo, customer: string, found: readonly ReconciliationView[]): Promise<void> {
  return printTable(
    io,
    [
      { head: 'CYCLE', of: (one) => one.cycleStart },
      { head: 'ACCOUNT', of: (one) => one.account },
      {
        head: 'GENERATION',
        of: (one) => String(one.generation) + (one.stale.length > 0 ? ' (stale)' : ''),
        right: true,
      },
      { head: 'INVOICES', of: (one) => one.invoices.join(', ') },
      { head: 'OWN EUR', of: (one) => formatAmountE8(BigInt(one.ownNetE8)), right: true },
      { head: 'INVOICED EUR', of: (one) => formatAmountE8(BigInt(one.invoiceNetE8)), right: true },
      { head: 'DIFFERENCE EUR', of: (one) => formatAmountE8(BigInt(one.diffE8)), right: true },
      { head: 'OPEN', of: (one) => count(one.states.open ?? 0), right: true },
      { head: 'DISPUTED', of: (one) => count(one.states.disputed ?? 0), right: true },
      { head: 'STATUS', of: (one) => one.status },
    ],
    found,
    `nothing of ${customer} was reconciled yet`,
  );
}

export async function printReconciliation(io: CliIo, one: ReconciliationView): Promise<void> {
  const [own, invoiced, diff, tolerance] = [one.ownNetE8, one.invoiceNetE8, one.diffE8, one.toleranceE8].map((e8) =>
    formatAmountE8(BigInt(e8)),
  );
  printLine(
    io,
    `${one.customer} account ${one.account} cycle ${one.cycleStart}: ${one.status}; invoiced ${invoiced}, own ${own}, difference ${diff} EUR net (tolerance ${tolerance})`,
  );
  const fees =
    one.feesCycleStart === one.cycleStart
      ? ''
      : `, fees of ${one.feesCycleStart}: generation ${one.feesGeneration ?? 'none'}`;
  printLine(
    io,
    `invoices ${one.invoices.join(', ')}; totals generation ${one.generation}${fees}; made ${time(one.createdAt)} UTC by ${one.requestedBy}`,
  );
  const vat = BigInt(one.invoiceVatE8) - BigInt(one.ownVatE8);
  if (vat !== 0n)
    printLine(
      io,
      `VAT: invoiced ${formatAmountE8(BigInt(one.invoiceVatE8), 2)}, the nets give ${formatAmountE8(BigInt(one.ownVatE8), 2)}`,
    );
  for (const why of one.stale)
    printLine(
      io,
      `STALE: ${why}; make it again: linekeeper reconcile run --customer ${one.customer} --cycle ${one.cycleStart}`,
    );
  await printTable(
    io,
    [
      { head: 'FINDING', of: (finding) => finding.id, right: true },
      { head: 'CLASS', of: (finding) => finding.class },
      { head: 'SUBSCRIPTION', of: (finding) => finding.msisdn ?? '' },
      { head: 'CATEGORY', of: (finding) => finding.category ?? '' },
      { head: 'OWN EUR', of: (finding) => formatAmountE8(BigInt(finding.ownE8)), right: true },
      { head: 'INVOICED EUR', of: (finding) => formatAmountE8(BigInt(finding.providerE8)), right: true },
      { head: 'DIFFERENCE', of: (finding) => formatAmountE8(BigInt(finding.diffE8)), right: true },
      { head: 'STATE', of: (finding) => finding.state },
      { head: 'WHY', of: whyOf },
    ],
    one.findings,
    'no findings',
  );
}

/** What was said of it, else what makes it plain. */
function whyOf({ stateBy, stateWhy, evidence }: FindingView): string {
  if (stateWhy !== null) return stateBy === null ? stateWhy : `${stateBy}: ${stateWhy}`;
  const { own, provider, lines } = evidence as {
    own?: { records: number; price: string | null } | null;
    provider?: { records: number | null; price: string | null };
    lines: readonly { invoice: string; line: number }[];
  };
  const side = (records: number | null | undefined, price: string | null | undefined) =>
    [records == null ? '' : `${count(records)} records`, price ?? ''].filter((text) => text !== '').join(' at ');
  const [ours, theirs] = [side(own?.records, own?.price), side(provider?.records, provider?.price)];
  const at = lines.map(({ invoice, line }) => `${invoice}:${line}`).join(', ');
  return [at, theirs === '' ? '' : `invoiced ${theirs}`, ours === '' ? '' : `own ${ours}`]
    .filter((text) => text !== '')
    .join('; ');
}

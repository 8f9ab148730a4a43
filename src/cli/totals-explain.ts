/** `linekeeper totals explain`: which records make up a total, where they came from and by which rule they cost what. */
import type { ExplainedRecordView, ExplanationView } from '../admin/views.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import { openClient } from './admin-client.ts';
import type { CliIo, ServiceOptions } from './context.ts';
import { exitCode } from './exit-codes.ts';
import { count, printJson, printLine } from './print.ts';

export interface TotalsExplainOptions extends ServiceOptions {
  readonly customer: string;
  readonly cycle: string;
  readonly msisdn?: string;
  readonly category?: string;
  readonly limit: number;
}

export async function totalsExplain(io: CliIo, options: TotalsExplainOptions): Promise<number> {
  const client = await openClient(io, options);
  const { customer, cycle, msisdn, category, limit } = options;
  const query = { customer, cycle, msisdn, category, limit };
  const explained = await client.get<readonly ExplanationView[]>('/totals/explain', { query });
  if (options.json) {
    printJson(io, explained);
    return exitCode.ok;
  }
  if (explained.length === 0) printLine(io, `no totals are published for ${customer}, cycle ${cycle} yet`);
  for (const total of explained) {
    printLine(
      io,
      `${total.customer} account ${total.account} cycle ${total.cycleStart}: ${formatAmountE8(BigInt(total.amountE8))} EUR` +
        ` from ${count(total.records)} records (generation ${total.generation}, rating run ${total.ratingRun}, digest ${total.digest.slice(0, 12)})`,
    );
    for (const record of total.shown) printRecord(io, record);
    if (total.purgedAt !== null) {
      printLine(
        io,
        `  its records were purged at ${total.purgedAt}, the end of their retention; the totals stay as they were`,
      );
    } else if (!total.pricesKept) {
      printLine(io, '  a restored backup: the prices of its records were not kept; totals recalculate makes them anew');
    } else if (total.shown.length < total.records) {
      printLine(io, `  … ${count(total.records - total.shown.length)} more; ask for more with --limit`);
    }
  }
  return exitCode.ok;
}

const limitWords = {
  minimum: "this is less than the rule's minimum, which is charged",
  cap: "this is more than the rule's cap, which is charged",
};

/** ` (NL, mobile)`. */
function numberWords({ number }: ExplainedRecordView): string {
  const words = [number?.country, number?.kind].filter((word) => word !== null && word !== undefined);
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

function printRecord(io: CliIo, record: ExplainedRecordView): void {
  const to = record.dialled === null ? '' : ` to ${record.dialled}${numberWords(record)}`;
  const usage = `${count(record.usage)} ${record.unit}`;
  const amount =
    record.status === 'rated' ? `${formatAmountE8(BigInt(record.amountE8))} EUR` : `${record.status}: ${record.reason}`;
  printLine(io, `  ${record.localStart} ${record.msisdn}${to} ${record.category} ${usage}: ${amount}`);
  printLine(io, `    file ${record.file} line ${record.line}`);
  if (record.takesBack !== null) {
    const { cycle, file, line } = record.takesBack;
    const what = file === null ? 'a record that was purged' : `file ${file} line ${line}`;
    printLine(io, `    takes back what cycle ${cycle} billed for ${what}`);
  } else if (record.adjusts !== null) {
    printLine(io, `    adjusts cycle ${record.adjusts}, which is closed: rated with its tariff`);
  }
  if (record.rule !== null) {
    printLine(io, `    tariff ${record.tariff}, version of ${record.tariffVersion ?? '-'}, rule ${record.rule}`);
  }
  if (record.connectFeeE8 !== '0') printLine(io, `    connect fee ${formatAmountE8(BigInt(record.connectFeeE8))} EUR`);
  for (const { name, used } of record.allowances) {
    printLine(io, `    allowance ${name}: ${count(used)} ${record.unit}`);
  }
  for (const piece of record.pieces) {
    const covered = piece.covered > 0 ? `, ${count(piece.covered)} of them covered,` : '';
    const billed = `${count(piece.billed)} ${record.unit} billed${covered}`;
    const price = `${formatAmountE8(piece.priceE8)} EUR per ${count(piece.per)} ${record.unit}`;
    printLine(io, `    from ${count(piece.from)}: ${billed} at ${price} (${piece.rule}, step ${piece.step + 1})`);
  }
  if (record.limit !== null) printLine(io, `    ${limitWords[record.limit]}`);
  if (record.finding !== null) printLine(io, `    finding: ${record.finding}`);
  if (!record.reproduced) printLine(io, "    today's tariff gives another amount: the cycle waits to be rated again");
}

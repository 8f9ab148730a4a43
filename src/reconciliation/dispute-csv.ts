/**
 * The dispute file: what the provider is asked to explain or to credit, a row for each disputed finding. Numbers of
 * subscriptions stand in it in full, since the provider must know which ones are meant. Cells are made safe for spreadsheets.
 */
import { csvLine, csvNumber, csvText } from '../reports/csv-cell.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import type { FindingView, ReconciliationView } from './show.ts';

const columns = [
  'customer',
  'account',
  'cycle',
  'finding',
  'of',
  'class',
  'subscription',
  'category',
  'own_eur',
  'invoiced_eur',
  'difference_eur',
  'invoice_lines',
  'own_records',
  'invoiced_records',
  'own_price',
  'invoiced_price',
  'own_rules',
  'generation',
  'why',
] as const;

export function disputeCsv(reconciliations: readonly ReconciliationView[]): string {
  const rows = reconciliations.flatMap((one) => one.findings.map((finding) => rowOf(one, finding)));
  return [csvLine(columns.map((column) => csvText(column))), ...rows].join('');
}

interface Side {
  readonly records?: number | null;
  readonly price?: string | null;
}

function rowOf(reconciliation: ReconciliationView, finding: FindingView): string {
  const { evidence } = finding;
  const { own, provider, ownRules, invoice, vatCode } = evidence as {
    own?: Side | null;
    provider?: Side;
    ownRules?: readonly string[];
    invoice?: string;
    vatCode?: string | null;
  };
  const lines = evidence.lines.map((line) => `${line.invoice} line ${line.line}`);
  const about = invoice === undefined ? lines : [`${invoice}${vatCode ? ` VAT ${vatCode}` : ''}`];
  return csvLine([
    csvText(reconciliation.customer),
    csvText(reconciliation.account),
    csvText(reconciliation.cycleStart),
    csvText(finding.id),
    csvText(finding.basis),
    csvText(finding.class),
    csvText(finding.msisdn),
    csvText(finding.category),
    csvNumber(formatAmountE8(BigInt(finding.ownE8))),
    csvNumber(formatAmountE8(BigInt(finding.providerE8))),
    csvNumber(formatAmountE8(BigInt(finding.diffE8))),
    csvText(about.join('; ')),
    csvNumber(own?.records ?? null),
    csvNumber(provider?.records ?? null),
    csvText(own?.price ?? null),
    csvText(provider?.price ?? null),
    csvText(ownRules?.join(' | ') ?? null),
    csvNumber(reconciliation.generation),
    csvText(finding.stateWhy),
  ]);
}

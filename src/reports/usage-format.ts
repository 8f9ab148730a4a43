/**
 * A usage report as text. CSV and JSON have the same columns under the same names, in the order of docs/reports.md, which only
 * grows at its end. Amounts are exact decimals with a point: text in JSON, because a JSON number is no exact decimal.
 */
import { formatAmountE8 } from '../telecom/money.ts';
import { csvLine, csvNumber, csvText } from './csv-cell.ts';
import type { UsageReportQuery, UsageReportRow } from './usage-report.ts';

export interface ReportFormat {
  readonly contentType: string;
  readonly begin: () => string;
  readonly rows: (rows: readonly UsageReportRow[]) => string;
  readonly end: () => string;
}

interface ReportColumn {
  readonly name: string;
  readonly kind: 'text' | 'number';
  readonly of: (row: UsageReportRow, query: UsageReportQuery) => string | null;
}

const money = (amountE8: string | null, decimals: number) =>
  amountE8 === null ? null : formatAmountE8(BigInt(amountE8), decimals);

export const usageColumns: readonly ReportColumn[] = [
  { name: 'row', kind: 'text', of: ({ row }) => row },
  { name: 'customer', kind: 'text', of: (_row, { customer }) => customer },
  { name: 'provider', kind: 'text', of: ({ provider }) => provider },
  { name: 'account', kind: 'text', of: ({ account }) => account },
  { name: 'cycle', kind: 'text', of: (_row, { cycle }) => cycle },
  { name: 'generation', kind: 'number', of: ({ generation }) => String(generation) },
  { name: 'subscription', kind: 'text', of: ({ subscription }) => subscription },
  { name: 'cost_centre', kind: 'text', of: ({ costCentre }) => costCentre },
  { name: 'employee', kind: 'text', of: ({ employee }) => employee },
  { name: 'category', kind: 'text', of: ({ category }) => category },
  { name: 'records', kind: 'number', of: ({ records }) => records },
  { name: 'unrated', kind: 'number', of: ({ unrated }) => unrated },
  { name: 'usage_s', kind: 'number', of: ({ usageS }) => usageS },
  { name: 'usage_octets', kind: 'number', of: ({ usageOctets }) => usageOctets },
  { name: 'usage_count', kind: 'number', of: ({ usageCount }) => usageCount },
  { name: 'net_eur', kind: 'number', of: ({ amountE8 }) => money(amountE8, 4) },
  { name: 'provider_eur', kind: 'number', of: ({ providerAmountE8 }) => money(providerAmountE8, 4) },
  { name: 'vat_code', kind: 'text', of: ({ vatCode }) => vatCode },
  { name: 'vat_percent', kind: 'number', of: ({ vatPercent }) => (vatPercent === null ? null : String(vatPercent)) },
  { name: 'vat_eur', kind: 'number', of: ({ vatE8 }) => money(vatE8, 2) },
];

export function usageFormat(format: 'csv' | 'json', query: UsageReportQuery): ReportFormat {
  return format === 'csv' ? asCsv(query) : asJson(query);
}

function asCsv(query: UsageReportQuery): ReportFormat {
  const line = (row: UsageReportRow) =>
    csvLine(
      usageColumns.map(({ kind, of }) => (kind === 'number' ? csvNumber(of(row, query)) : csvText(of(row, query)))),
    );
  return {
    contentType: 'text/csv; charset=utf-8; header=present',
    begin: () => csvLine(usageColumns.map(({ name }) => csvText(name))),
    rows: (rows) => rows.map(line).join(''),
    end: () => '',
  };
}

/** An array of objects, one on each line. */
function asJson(query: UsageReportQuery): ReportFormat {
  let first = true;
  const line = (row: UsageReportRow) => {
    const text = JSON.stringify(Object.fromEntries(usageColumns.map(({ name, of }) => [name, of(row, query)])));
    const before = first ? '\n' : ',\n';
    first = false;
    return before + text;
  };
  return {
    contentType: 'application/json; charset=utf-8',
    begin: () => '[',
    rows: (rows) => rows.map(line).join(''),
    end: () => '\n]\n',
  };
}

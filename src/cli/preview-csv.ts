/** A preview as CSV: every line says by `row` what it is about, and has the cells that it has. */
import type { PreviewEnd, PreviewRow } from '../preview/views.ts';
import { csvLine, csvNumber, csvText } from '../reports/csv-cell.ts';
import { formatAmountE8 } from '../telecom/money.ts';

/** A line of the CSV: what it is about, and the cells that it has. */
type CsvRow = { readonly line: 'usage' | 'unrated' | 'fault' | 'note' | 'total' } & Readonly<
  Partial<Record<'subscriber' | 'word' | 'kind' | 'category' | 'reason', string>>
> &
  Readonly<
    Partial<Record<'records' | 'unrated' | 'usage' | 'amountE8' | 'providerAmountE8' | 'offset', string | number>>
  >;

interface CsvColumn {
  readonly name: string;
  readonly of: (row: CsvRow) => string;
}

const text = (name: string, of: (row: CsvRow) => string | undefined): CsvColumn => ({
  name,
  of: (row) => csvText(of(row) ?? null),
});
const number = (name: string, of: (row: CsvRow) => string | number | undefined): CsvColumn => ({
  name,
  of: (row) => csvNumber(of(row) ?? null),
});
const money = (amount: string | number | undefined) =>
  amount === undefined ? undefined : formatAmountE8(BigInt(amount));

const columns: readonly CsvColumn[] = [
  text('row', (row) => row.line),
  text('subscriber', (row) => row.subscriber),
  text('word', (row) => row.word),
  text('kind', (row) => row.kind),
  text('category', (row) => row.category),
  number('records', (row) => row.records),
  number('unrated', (row) => row.unrated),
  number('usage', (row) => row.usage),
  number('net_eur', (row) => money(row.amountE8)),
  number('provider_eur', (row) => money(row.providerAmountE8)),
  number('offset', (row) => row.offset),
  text('reason', (row) => row.reason),
];

export function csvHead(): string {
  return csvLine(columns.map(({ name }) => csvText(name)));
}

export function csvUsage(row: PreviewRow): string {
  return csvOf({ line: 'usage', ...row });
}

export function csvEnd(end: PreviewEnd): string {
  const { records, unrated, amountE8, providerAmountE8, unratedReasons, faults, notes } = end;
  return [
    ...unratedReasons.map((why) => csvOf({ line: 'unrated', ...why })),
    ...faults.map(({ offset, code, field, reason }) =>
      csvOf({ line: 'fault', offset, reason: [code, field, reason].filter(Boolean).join(' ') }),
    ),
    ...notes.map((reason) => csvOf({ line: 'note', reason })),
    csvOf({ line: 'total', records, unrated, amountE8, providerAmountE8 }),
  ].join('');
}

function csvOf(row: CsvRow): string {
  return csvLine(columns.map(({ of }) => of(row)));
}

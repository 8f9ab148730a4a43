/**
 * An invoice as CSV (docs/reconciliation.md): `;` between cells, decimal comma, dd-mm-yyyy. Columns are found by their
 * names in the first row. Each row says in `row` what it is: a `line`, the `vat` of a code, or the `total`. What all rows say
 * of the invoice itself must be the same, or empty after the first. The result has the JSON form, and is checked as such.
 *
 * Throws `InvalidDocumentError` with every cell that cannot be read. Unknown columns are passed over and told.
 */
import { type DocumentProblem, InvalidDocumentError } from '../telecom/document-problem.ts';
import { CsvError, csvRows } from './csv-rows.ts';

export interface CsvInvoice {
  readonly document: Readonly<Record<string, unknown>>;
  readonly ignoredColumns: readonly string[];
  /** Line of the text of each of the document's lines. */
  readonly placeOfLine: readonly number[];
}

const invoiceColumns = [
  'customer',
  'provider',
  'account',
  'number',
  'kind',
  'refers_to',
  'date',
  'period_from',
  'period_to',
  'fees_from',
  'fees_to',
] as const;
const rowColumns = [
  'row',
  'line',
  'msisdn',
  'category',
  'description',
  'corrects_line',
  'records',
  'quantity',
  'covered',
  'unit_price',
  'per',
  'line_from',
  'line_to',
  'net',
  'vat_code',
  'percent',
  'vat',
  'gross',
] as const;
type Column = (typeof invoiceColumns)[number] | (typeof rowColumns)[number];
const neededColumns: readonly Column[] = [
  'row',
  'customer',
  'provider',
  'account',
  'number',
  'date',
  'period_from',
  'period_to',
  'line',
  'category',
  'net',
  'vat_code',
  'vat',
  'gross',
];

interface Row {
  readonly line: number;
  /** Null: an empty cell, or no such column. */
  text(column: Column): string | undefined;
  amount(column: Column): string | undefined;
  whole(column: Column): number | undefined;
  date(column: Column): string | undefined;
}

export function invoiceOfCsv(text: string): CsvInvoice {
  const problems: DocumentProblem[] = [];
  const [head, ...body] = rowsOf(text);
  const names = (head?.cells ?? []).map((name) => name.trim().toLowerCase());
  const columns = new Map(names.map((name, index) => [name, index]));
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) refuse([problem(1, twice, '(a column)', 'stands twice in the first row')]);
  const missing = neededColumns.filter((name) => !columns.has(name));
  if (missing.length > 0) refuse([problem(1, missing.join(', '), '(missing)', 'must be columns of the first row')]);
  const rows = body.map(({ line, cells }) => {
    if (cells.length !== columns.size) {
      problems.push(problem(line, '', `${cells.length} cells`, `the first row names ${columns.size} columns`));
    }
    return rowOf(line, (column) => cells[columns.get(column) ?? -1]?.trim() ?? '', problems);
  });
  const lines = rows.filter((row) => row.text('row') === 'line');
  const document = {
    ...invoiceOf(rows, problems),
    lines: lines.map(lineOf),
    vat: rows.filter((row) => row.text('row') === 'vat').map(vatOf),
    total: totalOf(rows, problems),
  };
  for (const row of rows) {
    const kind = row.text('row') ?? '(empty)';
    if (!['line', 'vat', 'total'].includes(kind))
      problems.push(problem(row.line, 'row', kind, 'must be line, vat or total'));
  }
  if (problems.length > 0) refuse(problems);
  const known: readonly string[] = [...invoiceColumns, ...rowColumns];
  return {
    document: withoutEmpty(document),
    ignoredColumns: [...columns.keys()].filter((name) => !known.includes(name)),
    placeOfLine: lines.map((row) => row.line),
  };
}

function rowsOf(text: string) {
  try {
    return csvRows(text);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new InvalidDocumentError('the CSV', [{ path: '', value: '', message: error.message }]);
  }
}

function refuse(problems: readonly DocumentProblem[]): never {
  throw new InvalidDocumentError('the CSV', problems);
}

function problem(line: number, column: string, value: string, message: string): DocumentProblem {
  return { path: `line ${line}${column === '' ? '' : `, ${column}`}`, value: value.slice(0, 60), message };
}

/** What every row says alike. */
function invoiceOf(rows: readonly Row[], problems: DocumentProblem[]): Record<string, unknown> {
  const [first, ...others] = rows;
  for (const row of others) {
    for (const column of invoiceColumns) {
      const value = row.text(column);
      if (value === undefined || value === first!.text(column)) continue;
      problems.push(
        problem(
          row.line,
          column,
          value,
          `line ${first!.line} says ${first!.text(column) ?? 'nothing'}; a file holds one invoice`,
        ),
      );
    }
  }
  if (first === undefined) return {};
  const fees = { from: first.date('fees_from'), to: first.date('fees_to') };
  return {
    customer: first.text('customer'),
    provider: first.text('provider'),
    account: first.text('account'),
    number: first.text('number'),
    kind: first.text('kind'),
    refersTo: first.text('refers_to'),
    date: first.date('date'),
    period: { from: first.date('period_from'), to: first.date('period_to') },
    feesPeriod: fees.from === undefined && fees.to === undefined ? undefined : fees,
  };
}

function lineOf(row: Row): Record<string, unknown> {
  const period = { from: row.date('line_from'), to: row.date('line_to') };
  return {
    line: row.whole('line'),
    msisdn: row.text('msisdn'),
    category: row.text('category'),
    description: row.text('description'),
    correctsLine: row.whole('corrects_line'),
    records: row.whole('records'),
    quantity: row.whole('quantity'),
    covered: row.whole('covered'),
    unitPrice: row.amount('unit_price'),
    per: row.whole('per'),
    net: row.amount('net'),
    vatCode: row.text('vat_code'),
    period: period.from === undefined && period.to === undefined ? undefined : period,
  };
}

function vatOf(row: Row): Record<string, unknown> {
  const percent = row.amount('percent');
  return { code: row.text('vat_code'), percent, net: row.amount('net'), vat: row.amount('vat') };
}

function totalOf(rows: readonly Row[], problems: DocumentProblem[]): Record<string, unknown> {
  const [total, second] = rows.filter((row) => row.text('row') === 'total');
  if (second !== undefined) problems.push(problem(second.line, 'row', 'total', 'stands twice'));
  if (total === undefined)
    problems.push(problem(rows.at(-1)?.line ?? 1, 'row', '(missing)', 'the row total is not there'));
  return { net: total?.amount('net'), vat: total?.amount('vat'), gross: total?.amount('gross') };
}

function rowOf(line: number, cell: (column: Column) => string, problems: DocumentProblem[]): Row {
  const read =
    <T>(parse: (text: string) => T | null, message: string) =>
    (column: Column): T | undefined => {
      const text = cell(column);
      if (text === '') return undefined;
      const value = parse(text);
      if (value === null) problems.push(problem(line, column, text, message));
      return value ?? undefined;
    };
  return {
    line,
    text: (column) => cell(column) || undefined,
    amount: read(decimalOf, 'must be a number such as 1.234,56 or -0,1250: the comma stands before the decimals'),
    whole: read(wholeOf, 'must be a whole number'),
    date: read(dateOf, 'must be a date such as 03-04-2026'),
  };
}

/** `1.234,56-` -> `-1234.56` */
function decimalOf(text: string): string | null {
  const match = /^([-+]?)(\d{1,3}(?:\.\d{3})+|\d+)(?:,(\d{1,8}))?(-?)$/.exec(text);
  if (match === null) return null;
  const [, before, whole, fraction, after] = match;
  if (before !== '' && after !== '') return null;
  const digits = whole!.replaceAll('.', '').replace(/^0+(?=\d)/, '');
  return `${before === '-' || after === '-' ? '-' : ''}${digits}${fraction === undefined ? '' : `.${fraction}`}`;
}

function wholeOf(text: string): number | null {
  return /^\d{1,3}(\.\d{3})+$|^\d{1,15}$/.test(text) ? Number(text.replaceAll('.', '')) : null;
}

function dateOf(text: string): string | null {
  const dutch = /^(\d\d)-(\d\d)-(\d{4})$/.exec(text);
  if (dutch !== null) return `${dutch[3]}-${dutch[2]}-${dutch[1]}`;
  return /^\d{4}-\d\d-\d\d$/.test(text) ? text : null;
}

/** The JSON form has no key for what is not said. */
function withoutEmpty(value: unknown): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify(value)) as Readonly<Record<string, unknown>>;
}

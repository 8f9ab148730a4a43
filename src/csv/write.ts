/**
 * CSV text for people and their spreadsheets: `;` between cells, CRLF after rows, quotes where RFC 4180 wants them.
 *
 * A text cell that begins with `= + - @`, a tab or a carriage return is a formula to a spreadsheet, whoever wrote it: it gets
 * an apostrophe in front (OWASP, "CSV injection"; domain.md F17). A cell that is a plain number, negative ones too, is none.
 */
const plainNumber = /^-?\d+(?:[.,]\d+)?$/;
const formulaStart = /^[=+\-@\t\r]/;

export interface CsvColumn<Row> {
  readonly head: string;
  readonly of: (row: Row) => string;
}

/** The head row, then one row each. */
export function csvText<Row>(columns: readonly CsvColumn<Row>[], rows: Iterable<Row>): string {
  const lines = [columns.map((column) => csvCell(column.head)).join(';')];
  for (const row of rows) lines.push(columns.map((column) => csvCell(column.of(row))).join(';'));
  return `${lines.join('\r\n')}\r\n`;
}

export function csvCell(value: string): string {
  const harmless = formulaStart.test(value) && !plainNumber.test(value) ? `'${value}` : value;
  return /[";,\r\n]/.test(harmless) && !plainNumber.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

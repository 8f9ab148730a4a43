/**
 * Cells of CSV files that people open in a spreadsheet (RFC 4180: `,`, `"` doubled inside quotes, CRLF).
 *
 * Text may come from a provider's file or a document, and a spreadsheet runs what begins like a formula (domain.md 5.7, F17).
 * `csvText` puts a `'` before it; `csvNumber` lets the sign of a number stand and refuses anything that is none. Use no other way.
 * Source of the dangerous beginnings: https://owasp.org/www-community/attacks/CSV_Injection
 */

/** Also the full-width signs, and behind white space: spreadsheets trim it when they import. */
const formula = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/;
const needsQuotes = /[",\r\n\t]|^\s|\s$/;
const decimal = /^-?\d+(\.\d+)?$/;

/** A cell of any text; null is an empty cell. NUL and half surrogates, which no file should hold, are left out or replaced. */
export function csvText(text: string | null): string {
  if (text === null) return '';
  const clean = text.replaceAll('\0', '').toWellFormed();
  const safe = formula.test(clean) ? `'${clean}` : clean;
  return needsQuotes.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A cell of decimal text such as `-0.1250`; null is an empty cell. Throws for anything else: it would run as a formula. */
export function csvNumber(number: string | number | bigint | null): string {
  if (number === null) return '';
  const text = String(number);
  if (!decimal.test(text)) throw new Error('a cell that should hold a decimal number holds something else');
  return text;
}

/** Cells that were made by `csvText` and `csvNumber`, as a line. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.join(',')}\r\n`;
}

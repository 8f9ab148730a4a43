/**
 * Reads CSV text by RFC 4180: quoted cells may hold separators, doubled quotes and line ends; rows end with LF or CRLF. A
 * byte order mark and empty lines are passed over. What is no CSV throws `CsvError` with its line; nothing is guessed.
 */
export class CsvError extends Error {
  override readonly name = 'CsvError';
}

export interface CsvRow {
  /** 1-based line of the text on which the row begins. */
  readonly line: number;
  readonly cells: readonly string[];
}

export function csvRows(given: string, separator = ';'): CsvRow[] {
  const text = given.replace(/^\uFEFF/, '');
  const rows: CsvRow[] = [];
  let cells: string[] = [];
  let line = 1;
  let rowLine = 1;
  let at = 0;
  while (at < text.length) {
    const cell = text[at] === '"' ? quotedCell(text, at, line) : plainCell(text, at, separator, line);
    cells.push(cell.value);
    line += cell.lineEnds;
    at = cell.end;
    if (text[at] === separator) {
      at += 1;
      // the row ends with an empty cell
      if (at === text.length) cells.push('');
      if (at < text.length) continue;
    } else if (at < text.length) {
      at = afterLineEnd(text, at, line);
    }
    if (cells.length > 1 || cells[0] !== '') rows.push({ line: rowLine, cells });
    cells = [];
    line += 1;
    rowLine = line;
  }
  return rows;
}

interface Cell {
  readonly value: string;
  /** Where the separator, the line end or the end of the text stands. */
  readonly end: number;
  readonly lineEnds: number;
}

function plainCell(text: string, from: number, separator: string, line: number): Cell {
  let end = from;
  while (end < text.length && text[end] !== separator && text[end] !== '\n' && text[end] !== '\r') {
    if (text[end] === '"')
      throw new CsvError(`line ${line}: a quote stands inside a cell that does not begin with one`);
    end += 1;
  }
  return { value: text.slice(from, end), end, lineEnds: 0 };
}

function quotedCell(text: string, from: number, line: number): Cell {
  let value = '';
  for (let at = from + 1; ; ) {
    const quote = text.indexOf('"', at);
    if (quote === -1) throw new CsvError(`line ${line}: a quoted cell begins here and never ends`);
    value += text.slice(at, quote);
    if (text[quote + 1] === '"') {
      value += '"';
      at = quote + 2;
      continue;
    }
    return { value, end: quote + 1, lineEnds: value.split('\n').length - 1 };
  }
}

function afterLineEnd(text: string, at: number, line: number): number {
  if (text[at] === '\n') return at + 1;
  if (text[at] === '\r' && text[at + 1] === '\n') return at + 2;
  const found = text[at] === '\r' ? 'a carriage return without a line feed' : JSON.stringify(text[at]);
  throw new CsvError(`line ${line}: ${found} stands where a cell has ended`);
}

/** Writing results: JSON and nothing else with `--json`, tables on a terminal, aligned plain lines elsewhere. */
import type { CliIo } from './context.ts';

export interface Column<Row> {
  readonly head: string;
  readonly of: (row: Row) => string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
}

export function printJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function printLine(io: CliIo, line: string): void {
  io.stdout.write(`${line}\n`);
}

/** A list that ends at its limit may not be all: nobody is to take it for that. On standard error, so that JSON stays JSON. */
export function tellCut(io: CliIo, rows: readonly unknown[], limit: number): void {
  if (rows.length < limit) return;
  io.stderr.write(
    `linekeeper: these are the first ${count(limit)}, and there may be more; ask for more with --limit\n`,
  );
}

/** `none` is said instead of an empty table. */
export async function printTable<Row>(
  io: CliIo,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  none: string,
): Promise<void> {
  if (rows.length === 0) return printLine(io, none);
  const cells = rows.map((row) => columns.map((column) => column.of(row)));
  if (io.stdout.isTTY) {
    const { default: Table } = await import('cli-table3');
    const table = new Table({
      head: columns.map((column) => column.head),
      colAligns: columns.map((column) => (column.right ? 'right' : 'left')),
      style: { head: [], border: [], compact: true },
    });
    table.push(...cells);
    return printLine(io, table.toString());
  }
  const widths = columns.map((column, i) => Math.max(column.head.length, ...cells.map((row) => row[i]!.length)));
  for (const row of [columns.map((column) => column.head), ...cells]) {
    const line = row.map((cell, i) => (columns[i]!.right ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)));
    printLine(io, line.join('  ').trimEnd());
  }
}

/** `1234567` -> `1,234,567`, of numbers and of integer text of any length. */
export function count(value: number | string): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** `2026-04-01T10:00:00.000Z` -> `2026-04-01 10:00:00`; times are UTC, and the column's head says so. */
export function time(iso: string | null): string {
  return iso === null ? '' : iso.replace('T', ' ').replace(/(\.\d+)?Z$/, '');
}

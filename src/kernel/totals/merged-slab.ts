/** The slabs of a pass as one, in the order of the subscribers, to be read row by row: a file may have a million of them. */
import { type SlabRow, type SlabSums, type SlabTables, slabColumns, TotalsSlab } from './totals-slab.ts';

export interface MergedSlab {
  readonly tables: SlabTables;
  /** Where the rows stand in the tables, by subscriber. */
  readonly order: Float64Array<SharedArrayBuffer>;
  /** Of all subscribers, by kind. */
  readonly sums: readonly SlabSums[];
}

const columns = slabColumns.length;

export function mergeSlabs(kinds: number, slabs: readonly SlabTables[]): MergedSlab {
  const all = new TotalsSlab(kinds);
  for (const slab of slabs) all.merge(slab);
  const tables = all.tables();
  const order = orderOf(tables);
  const sums = Array.from({ length: kinds }, () => new Array<bigint>(columns).fill(0n));
  for (const at of order) {
    for (let kind = 0; kind < kinds; kind += 1) {
      const own = sums[kind]!;
      for (let column = 0; column < columns; column += 1) own[column] = own[column]! + cell(tables, at, kind, column);
    }
  }
  return { tables, order, sums: sums.map(sumsOf) };
}

/** Rows that have records, by subscriber, then kind; made as they are asked for. */
export function* mergedRows({ tables, order }: MergedSlab): Iterable<SlabRow> {
  for (const at of order) {
    const subscriber = tables.rows[at]! - 1;
    for (let kind = 0; kind < tables.kinds; kind += 1) {
      const values = slabColumns.map((_, column) => cell(tables, at, kind, column));
      if (values[0] !== 0n) yield { subscriber, kind, ...sumsOf(values) };
    }
  }
}

function orderOf({ kinds, rows }: SlabTables): Float64Array<SharedArrayBuffer> {
  const stride = 1 + kinds * columns;
  const found: number[] = [];
  for (let at = 0; at < rows.length; at += stride) if (rows[at] !== 0) found.push(at);
  const order = new Float64Array(new SharedArrayBuffer(found.length * Float64Array.BYTES_PER_ELEMENT));
  order.set(found);
  return order.sort((a, b) => rows[a]! - rows[b]!);
}

function cell({ rows, carried }: SlabTables, at: number, kind: number, column: number): bigint {
  const index = kind * columns + column;
  const value = BigInt(rows[at + 1 + index]!);
  return carried.size === 0 ? value : value + (carried.get(rows[at]! - 1)?.[index] ?? 0n);
}

function sumsOf(values: readonly bigint[]): SlabSums {
  const [records, unrated, usage, amountE8, chargeE8] = values as [bigint, bigint, bigint, bigint, bigint];
  return { records, unrated, usage, amountE8, chargeE8 };
}

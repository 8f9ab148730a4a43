/** The slabs of a pass as one, in the order of the subscribers, to be read row by row: a file may have a million of them. */
import { type Moving, release } from '../../compute/moving.ts';
import { ExactSum } from '../../telecom/exact-sum.ts';
import { type SlabRow, type SlabSums, type SlabTables, slabColumns, TotalsSlab } from './totals-slab.ts';

export interface MergedSlab extends Moving {
  readonly tables: SlabTables;
  /** Where the rows stand in the tables, by subscriber. */
  readonly order: Float64Array<ArrayBuffer>;
  /** Of all subscribers, by kind. */
  readonly sums: readonly SlabSums[];
}

const columns = slabColumns.length;

export function mergeSlabs(kinds: number, slabs: readonly SlabTables[]): MergedSlab {
  const most = Math.max(0, ...slabs.map(({ count }) => count));
  const all = new TotalsSlab(kinds, most);
  for (const slab of slabs) all.merge(slab);
  release(slabs.map(({ rows }) => rows.buffer));
  const tables = all.tables();
  const order = all.inOrder();
  const sums = Array.from({ length: kinds * columns }, () => new ExactSum());
  for (const at of order) {
    for (let index = 0; index < sums.length; index += 1) sums[index]!.add(tables.rows[at + 1 + index]!);
  }
  const values = sums.map(({ value }) => value);
  for (const carried of tables.carried.values()) {
    for (let index = 0; index < values.length; index += 1) values[index] = values[index]! + carried[index]!;
  }
  const moves = [tables.rows.buffer, order.buffer];
  return { tables, order, sums: Array.from({ length: kinds }, (_, kind) => sumsOf(values, kind * columns)), moves };
}

/** Rows that have records, by subscriber, then kind; made as they are asked for. */
export function* mergedRows({ tables, order }: MergedSlab): Iterable<SlabRow> {
  const { kinds, rows, carried } = tables;
  const values = new Array<bigint>(kinds * columns);
  for (const at of order) {
    const subscriber = rows[at]!;
    const more = carried.size === 0 ? undefined : carried.get(subscriber);
    for (let index = 0; index < values.length; index += 1) {
      values[index] = BigInt(rows[at + 1 + index]!) + (more?.[index] ?? 0n);
    }
    for (let kind = 0; kind < kinds; kind += 1) {
      const from = kind * columns;
      if (values[from] === 0n) continue;
      yield {
        subscriber,
        kind,
        records: values[from]!,
        unrated: values[from + 1]!,
        usage: values[from + 2]!,
        amountE8: values[from + 3]!,
        chargeE8: values[from + 4]!,
      };
    }
  }
}

function sumsOf(values: readonly bigint[], from: number): SlabSums {
  const [records, unrated, usage, amountE8, chargeE8] = values.slice(from, from + columns) as SlabValues;
  return { records, unrated, usage, amountE8, chargeE8 };
}

type SlabValues = [bigint, bigint, bigint, bigint, bigint];

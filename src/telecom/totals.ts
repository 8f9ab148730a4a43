/**
 * Exact sums per (msisdn, category). Sums are kept in Number while they fit 2^53 and carried to BigInt beyond, so the
 * result does not depend on the order of the records (domain.md, arithmetic rule).
 */
export interface UsageTotal {
  readonly msisdn: string;
  readonly category: string;
  readonly records: bigint;
  /** Of these; they add nothing to `amountE8`. */
  readonly unrated: bigint;
  readonly usageS: bigint;
  readonly usageOctets: bigint;
  readonly usageCount: bigint;
  readonly amountE8: bigint;
  readonly providerAmountE8: bigint;
}

/** One rated record; in hot loops one object is filled again and again. Amounts and usage are safe integers. */
export interface TotalledRecord {
  msisdn: string;
  category: string;
  unrated: boolean;
  usageS: number;
  usageOctets: number;
  usageCount: number;
  amountE8: number;
  providerAmountE8: number;
}

export interface UsageTotals {
  add(record: TotalledRecord): void;
  /** Adds what another accumulator, perhaps of another thread, has summed up. */
  merge(totals: Iterable<UsageTotal>): void;
  /** Rows by msisdn, then category, in code unit order. */
  rows(): UsageTotal[];
}

const columns = 7;
const maxSafe = Number.MAX_SAFE_INTEGER;

export function createUsageTotals(): UsageTotals {
  const rowOf = new Map<string, Map<string, number>>();
  let sums = new Float64Array(1024 * columns);
  const carried = new Map<number, bigint>();
  let used = 0;

  function rowAt(msisdn: string, category: string): number {
    let categories = rowOf.get(msisdn);
    if (categories === undefined) {
      categories = new Map();
      rowOf.set(msisdn, categories);
    }
    let row = categories.get(category);
    if (row === undefined) {
      row = used * columns;
      used += 1;
      categories.set(category, row);
      if (row + columns > sums.length) {
        const larger = new Float64Array(sums.length * 2);
        larger.set(sums);
        sums = larger;
      }
    }
    return row;
  }

  function addTo(cell: number, value: number): void {
    const sum = sums[cell]! + value;
    if (sum <= maxSafe && sum >= -maxSafe) {
      sums[cell] = sum;
    } else {
      carry(cell, BigInt(sums[cell]!));
      sums[cell] = value;
    }
  }

  function carry(cell: number, value: bigint): void {
    carried.set(cell, (carried.get(cell) ?? 0n) + value);
  }

  function add(record: TotalledRecord): void {
    const row = rowAt(record.msisdn, record.category);
    addTo(row, 1);
    addTo(row + 1, record.unrated ? 1 : 0);
    addTo(row + 2, record.usageS);
    addTo(row + 3, record.usageOctets);
    addTo(row + 4, record.usageCount);
    addTo(row + 5, record.unrated ? 0 : record.amountE8);
    addTo(row + 6, record.providerAmountE8);
  }

  function merge(totals: Iterable<UsageTotal>): void {
    for (const total of totals) {
      const row = rowAt(total.msisdn, total.category);
      carry(row, total.records);
      carry(row + 1, total.unrated);
      carry(row + 2, total.usageS);
      carry(row + 3, total.usageOctets);
      carry(row + 4, total.usageCount);
      carry(row + 5, total.amountE8);
      carry(row + 6, total.providerAmountE8);
    }
  }

  function rows(): UsageTotal[] {
    const sumOf = (cell: number): bigint => BigInt(sums[cell]!) + (carried.get(cell) ?? 0n);
    return [...rowOf]
      .flatMap(([msisdn, categories]) =>
        [...categories].map(([category, row]) => ({
          msisdn,
          category,
          records: sumOf(row),
          unrated: sumOf(row + 1),
          usageS: sumOf(row + 2),
          usageOctets: sumOf(row + 3),
          usageCount: sumOf(row + 4),
          amountE8: sumOf(row + 5),
          providerAmountE8: sumOf(row + 6),
        })),
      )
      .sort((a, b) => compare(a.msisdn, b.msisdn) || compare(a.category, b.category));
  }

  return { add, merge, rows };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

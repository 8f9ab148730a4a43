/**
 * Totals by subscriber and kind in one typed array, found by the number's digits without a string: what a kernel thread sums
 * into. Its array moves from thread to thread as it is (compute/moving.ts). Sums that leave the safe range are carried
 * over into BigInt, so they are exact whatever the order, and slabs merge exactly.
 */
import { batchRows, type UsageBatch } from '../usage-batch.ts';

/** Sums of one row, in this order. */
export const slabColumns = ['records', 'unrated', 'usage', 'amountE8', 'chargeE8'] as const;
export type SlabSums = Readonly<Record<(typeof slabColumns)[number], bigint>>;

/** What a thread answers. */
export interface SlabTables {
  readonly kinds: number;
  /** Rows of a table with free ones between them: the subscriber's number + 1 (0: free), then the sums of each kind. */
  readonly rows: Float64Array<ArrayBuffer>;
  /** By subscriber: what was carried out of the row's cells, by cell. */
  readonly carried: ReadonlyMap<number, readonly bigint[]>;
}

export interface SlabRow extends SlabSums {
  readonly subscriber: number;
  readonly kind: number;
}

const columns = slabColumns.length;
const carryAt = 2 ** 52;
const firstSlots = 4096;

/**
 * A subscriber's sums stand in the slot that its number is found in: finding and adding touch the same two lines of the
 * processor's cache. Half of the slots at most are taken.
 */
export class TotalsSlab {
  readonly #kinds: number;
  readonly #stride: number;
  #slots = firstSlots;
  #count = 0;
  #rows: Float64Array<ArrayBuffer>;
  readonly #carried = new Map<number, bigint[]>();
  /** First cell of each row of a batch. */
  readonly #cells = new Int32Array(batchRows);

  constructor(kinds: number) {
    this.#kinds = kinds;
    this.#stride = 1 + kinds * columns;
    this.#rows = new Float64Array(this.#slots * this.#stride);
  }

  /** Adds every row of the batch; `sign` -1 takes them out again. */
  addBatch(batch: UsageBatch, sign: 1 | -1): void {
    const { rows, subscriber, kind, usage, amountE8, chargeE8 } = batch;
    // room for all of them first: the cells stay where they are
    while ((this.#count + rows) * 2 > this.#slots) this.#grow();
    const cells = this.#cells;
    for (let row = 0; row < rows; row += 1) {
      cells[row] = this.#rowOf(subscriber[row]!) + 1 + kind[row]! * columns;
    }
    const sums = this.#rows;
    for (let row = 0; row < rows; row += 1) {
      const at = cells[row]!;
      const amount = amountE8[row]!;
      const unrated = amount < 0;
      const usageSum = sums[at + 2]! + sign * usage[row]!;
      const amountSum = sums[at + 3]! + (unrated ? 0 : sign * amount);
      const chargeSum = sums[at + 4]! + sign * chargeE8[row]!;
      sums[at] = sums[at]! + sign;
      if (unrated) sums[at + 1] = sums[at + 1]! + sign;
      if (Math.abs(usageSum) + Math.abs(amountSum) + Math.abs(chargeSum) < carryAt) {
        sums[at + 2] = usageSum;
        sums[at + 3] = amountSum;
        sums[at + 4] = chargeSum;
      } else {
        this.#addTo(subscriber[row]!, at + 2, sign * usage[row]!);
        this.#addTo(subscriber[row]!, at + 3, unrated ? 0 : sign * amount);
        this.#addTo(subscriber[row]!, at + 4, sign * chargeE8[row]!);
      }
    }
  }

  /** Adds another slab's sums, perhaps of another thread. */
  merge({ rows, carried }: SlabTables): void {
    for (let from = 0; from < rows.length; from += this.#stride) {
      if (rows[from] === 0) continue;
      const subscriber = rows[from]! - 1;
      if ((this.#count + 1) * 2 > this.#slots) this.#grow();
      const to = this.#rowOf(subscriber);
      for (let cell = 1; cell < this.#stride; cell += 1) this.#addTo(subscriber, to + cell, rows[from + cell]!);
    }
    for (const [subscriber, values] of carried) {
      for (const [index, value] of values.entries()) this.#carry(subscriber, index, value);
    }
  }

  tables(): SlabTables {
    return { kinds: this.#kinds, rows: this.#rows, carried: this.#carried };
  }

  #addTo(subscriber: number, cell: number, value: number): void {
    const sum = this.#rows[cell]! + value;
    if (sum < carryAt && sum > -carryAt) {
      this.#rows[cell] = sum;
    } else {
      // both are safe integers; their sum may not be
      this.#carry(subscriber, (cell % this.#stride) - 1, BigInt(this.#rows[cell]!) + BigInt(value));
      this.#rows[cell] = 0;
    }
  }

  #carry(subscriber: number, index: number, value: bigint): void {
    let values = this.#carried.get(subscriber);
    if (values === undefined) {
      values = new Array<bigint>(this.#kinds * columns).fill(0n);
      this.#carried.set(subscriber, values);
    }
    values[index] = values[index]! + value;
  }

  /** First cell of the subscriber's row; there is room for a new one. */
  #rowOf(subscriber: number): number {
    const rows = this.#rows;
    const stride = this.#stride;
    const wanted = subscriber + 1;
    let slot = slotOf(wanted, this.#slots);
    for (;;) {
      const number = rows[slot * stride]!;
      if (number === wanted) return slot * stride;
      if (number === 0) break;
      slot = (slot + 1) & (this.#slots - 1);
    }
    rows[slot * stride] = wanted;
    this.#count += 1;
    return slot * stride;
  }

  #grow(): void {
    const old = this.#rows;
    const stride = this.#stride;
    this.#slots *= 2;
    this.#count = 0;
    this.#rows = new Float64Array(this.#slots * stride);
    for (let from = 0; from < old.length; from += stride) {
      if (old[from] !== 0) this.#rows.set(old.subarray(from, from + stride), this.#rowOf(old[from]! - 1));
    }
  }
}

function slotOf(number: number, slots: number): number {
  const hash = Math.imul((number | 0) ^ Math.imul((number / 4_294_967_296) | 0, 0x85ebca6b), 0x9e3779b1 | 0);
  return (hash ^ (hash >>> 15)) & (slots - 1);
}

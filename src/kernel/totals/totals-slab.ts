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
  /** Of the rows. */
  readonly count: number;
  /** Rows behind each other, and room for more: the subscriber's number, then the sums of each kind. */
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
const firstRows = 2048;
/** For each row: with so few taken a number is mostly found in its first slot. */
const slotsPerRow = 4;

/**
 * Rows are as dense as they can be, and what finds them is four bytes a slot: both together are to stay in the processor's cache
 * beside the prices.
 */
export class TotalsSlab {
  readonly #kinds: number;
  readonly #stride: number;
  #count = 0;
  #rows: Float64Array<ArrayBuffer>;
  /** A row's number + 1; 0: free. */
  #slots: Int32Array;
  readonly #carried = new Map<number, bigint[]>();
  /** First cell of each row of a batch. */
  readonly #cells = new Int32Array(batchRows);

  /** With room for so many subscribers; it grows. */
  constructor(kinds: number, rows = firstRows) {
    const room = 2 ** Math.ceil(Math.log2(Math.max(rows, firstRows)));
    this.#kinds = kinds;
    this.#stride = 1 + kinds * columns;
    this.#rows = new Float64Array(room * this.#stride);
    this.#slots = new Int32Array(room * slotsPerRow);
  }

  /** Adds every row of the batch; `sign` -1 takes them out again. */
  addBatch(batch: UsageBatch, sign: 1 | -1): void {
    const { rows, subscriber, kind, usage, amountE8, chargeE8 } = batch;
    this.#makeRoom(rows);
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
  merge({ count, rows, carried }: SlabTables): void {
    this.#makeRoom(count);
    const stride = this.#stride;
    for (let from = 0; from < count * stride; from += stride) {
      const subscriber = rows[from]!;
      const to = this.#rowOf(subscriber);
      for (let cell = 1; cell < stride; cell += 1) this.#addTo(subscriber, to + cell, rows[from + cell]!);
    }
    for (const [subscriber, values] of carried) {
      for (const [index, value] of values.entries()) this.#carry(subscriber, index, value);
    }
  }

  /** Where each row begins, by subscriber. */
  inOrder(): Float64Array<ArrayBuffer> {
    const order = new Float64Array(this.#count).map((_, row) => this.#rows[row * this.#stride]!);
    // without a function to compare, numbers are sorted as such and many times faster
    order.sort();
    for (const [index, subscriber] of order.entries()) order[index] = this.#rowOf(subscriber);
    return order;
  }

  tables(): SlabTables {
    return { kinds: this.#kinds, count: this.#count, rows: this.#rows, carried: this.#carried };
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
    const slots = this.#slots;
    const rows = this.#rows;
    const stride = this.#stride;
    for (let slot = slotOf(subscriber, slots.length); ; slot = (slot + 1) & (slots.length - 1)) {
      const at = (slots[slot]! - 1) * stride;
      if (at < 0) return this.#newRow(subscriber, slot);
      if (rows[at] === subscriber) return at;
    }
  }

  #newRow(subscriber: number, slot: number): number {
    const at = this.#count * this.#stride;
    this.#count += 1;
    this.#slots[slot] = this.#count;
    this.#rows[at] = subscriber;
    return at;
  }

  /** For so many more rows, all at once: cells stay where they are while a batch is added. */
  #makeRoom(more: number): void {
    let room = this.#slots.length / slotsPerRow;
    if (this.#count + more <= room) return;
    while (this.#count + more > room) room *= 2;
    const stride = this.#stride;
    // the memory of the rows goes over
    this.#rows = new Float64Array(this.#rows.buffer.transfer(room * stride * Float64Array.BYTES_PER_ELEMENT));
    const slots = new Int32Array(room * slotsPerRow);
    for (let row = 0; row < this.#count; row += 1) {
      let slot = slotOf(this.#rows[row * stride]!, slots.length);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = row + 1;
    }
    this.#slots = slots;
  }
}

function slotOf(number: number, slots: number): number {
  const hash = Math.imul((number | 0) ^ Math.imul((number / 4_294_967_296) | 0, 0x85ebca6b), 0x9e3779b1 | 0);
  return (hash ^ (hash >>> 15)) & (slots - 1);
}

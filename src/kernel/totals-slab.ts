/**
 * Totals by subscriber and kind in one typed array, found by the number's digits without a string: what a kernel thread sums
 * into. The arrays are shared memory, so a thread hands its slab over as it is. Sums that leave the safe range are carried
 * over into BigInt, so they are exact whatever the order, and slabs merge exactly.
 */
import { batchRows, type UsageBatch } from './usage-batch.ts';

/** Sums of one row, in this order. */
export const slabColumns = ['records', 'unrated', 'usage', 'amountE8', 'chargeE8'] as const;
export type SlabSums = Readonly<Record<(typeof slabColumns)[number], bigint>>;

/** What a thread answers; typed arrays in shared memory. */
export interface SlabTables {
  readonly kinds: number;
  /** Numbers of the subscribers, in the order of their rows. */
  readonly subscribers: Float64Array<SharedArrayBuffer>;
  /** By (subscriber x kinds + kind) x columns. */
  readonly sums: Float64Array<SharedArrayBuffer>;
  /** Cell and what was carried out of it. */
  readonly carried: ReadonlyMap<number, bigint>;
}

export interface SlabRow extends SlabSums {
  readonly subscriber: number;
  readonly kind: number;
}

const columns = slabColumns.length;
const carryAt = 2 ** 52;

export class TotalsSlab {
  readonly #kinds: number;
  #slots = 8192;
  /** Number + 1 by slot, 0 for a free one, and the subscriber's index beside it. */
  #numbers = new Float64Array(this.#slots);
  #indexes = new Int32Array(this.#slots);
  #subscribers = sharedFloats(1024);
  #count = 0;
  #sums: Float64Array<SharedArrayBuffer>;
  readonly #carried = new Map<number, bigint>();
  /** First cell of each row of a batch. */
  readonly #cells = new Int32Array(batchRows);

  constructor(kinds: number) {
    this.#kinds = kinds;
    this.#sums = sharedFloats(1024 * kinds * columns);
  }

  /** Adds every row of the batch; `sign` -1 takes them out again. */
  addBatch(batch: UsageBatch, sign: 1 | -1): void {
    const { rows, subscriber, kind, usage, amountE8, chargeE8 } = batch;
    const cells = this.#cells;
    const kinds = this.#kinds;
    // all rows first: finding one may make the arrays larger
    for (let row = 0; row < rows; row += 1) {
      cells[row] = (this.#indexOf(subscriber[row]!) * kinds + kind[row]!) * columns;
    }
    const sums = this.#sums;
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
        this.#addTo(at + 2, sign * usage[row]!);
        this.#addTo(at + 3, unrated ? 0 : sign * amount);
        this.#addTo(at + 4, sign * chargeE8[row]!);
      }
    }
  }

  /** Adds another slab's sums, perhaps of another thread. */
  merge(tables: SlabTables): void {
    for (const [index, subscriber] of tables.subscribers.entries()) {
      const to = this.#indexOf(subscriber) * this.#kinds * columns;
      const from = index * this.#kinds * columns;
      for (let cell = 0; cell < this.#kinds * columns; cell += 1) this.#addTo(to + cell, tables.sums[from + cell]!);
    }
    for (const [cell, value] of tables.carried) {
      const rowCells = this.#kinds * columns;
      const subscriber = tables.subscribers[Math.floor(cell / rowCells)]!;
      this.#carry(this.#indexOf(subscriber) * rowCells + (cell % rowCells), value);
    }
  }

  tables(): SlabTables {
    return {
      kinds: this.#kinds,
      subscribers: this.#subscribers.subarray(0, this.#count),
      sums: this.#sums,
      carried: this.#carried,
    };
  }

  /** Rows that have records, by subscriber, then kind. */
  rows(): SlabRow[] {
    const rows: SlabRow[] = [];
    for (let index = 0; index < this.#count; index += 1) {
      for (let kind = 0; kind < this.#kinds; kind += 1) {
        const at = (index * this.#kinds + kind) * columns;
        const sum = (column: number) => BigInt(this.#sums[at + column]!) + (this.#carried.get(at + column) ?? 0n);
        if (sum(0) === 0n) continue;
        const [records, unrated, usage, amountE8, chargeE8] = [sum(0), sum(1), sum(2), sum(3), sum(4)];
        rows.push({ subscriber: this.#subscribers[index]!, kind, records, unrated, usage, amountE8, chargeE8 });
      }
    }
    return rows.sort((a, b) => a.subscriber - b.subscriber || a.kind - b.kind);
  }

  #addTo(cell: number, value: number): void {
    const sum = this.#sums[cell]! + value;
    if (sum < carryAt && sum > -carryAt) {
      this.#sums[cell] = sum;
    } else {
      // both are safe integers; their sum may not be
      this.#carry(cell, BigInt(this.#sums[cell]!) + BigInt(value));
      this.#sums[cell] = 0;
    }
  }

  #carry(cell: number, value: bigint): void {
    this.#carried.set(cell, (this.#carried.get(cell) ?? 0n) + value);
  }

  #indexOf(subscriber: number): number {
    const wanted = subscriber + 1;
    let slot = slotOf(wanted, this.#slots);
    for (;;) {
      const number = this.#numbers[slot]!;
      if (number === wanted) return this.#indexes[slot]!;
      if (number === 0) break;
      slot = (slot + 1) & (this.#slots - 1);
    }
    const index = this.#count;
    this.#count += 1;
    this.#numbers[slot] = wanted;
    this.#indexes[slot] = index;
    if (this.#count > this.#subscribers.length) {
      this.#subscribers = grown(this.#subscribers);
      this.#sums = grown(this.#sums);
    }
    this.#subscribers[index] = subscriber;
    if (this.#count * 2 > this.#slots) this.#grow();
    return index;
  }

  #grow(): void {
    this.#slots *= 2;
    this.#numbers = new Float64Array(this.#slots);
    this.#indexes = new Int32Array(this.#slots);
    for (let index = 0; index < this.#count; index += 1) {
      const wanted = this.#subscribers[index]! + 1;
      let slot = slotOf(wanted, this.#slots);
      while (this.#numbers[slot] !== 0) slot = (slot + 1) & (this.#slots - 1);
      this.#numbers[slot] = wanted;
      this.#indexes[slot] = index;
    }
  }
}

function slotOf(number: number, slots: number): number {
  const hash = Math.imul((number | 0) ^ Math.imul((number / 4_294_967_296) | 0, 0x85ebca6b), 0x9e3779b1 | 0);
  return (hash ^ (hash >>> 15)) & (slots - 1);
}

function sharedFloats(length: number): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
}

function grown(floats: Float64Array<SharedArrayBuffer>): Float64Array<SharedArrayBuffer> {
  const larger = sharedFloats(floats.length * 2);
  larger.set(floats);
  return larger;
}

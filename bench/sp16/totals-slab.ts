/**
 * Totals by subscriber and call category in one typed array, found by the number's digits without a string: what a kernel
 * thread sums into. Sums that leave the safe range are carried over into BigInt, so they are exact whatever the order.
 */
import type { UsageTotal } from '../../src/telecom/totals.ts';

const columns = 7;
const carryAt = 2 ** 52;

export interface SlabEntry {
  readonly unrated: boolean;
  readonly usageS: number;
  readonly usageOctets: number;
  readonly usageCount: number;
  readonly amountE8: number;
  readonly providerAmountE8: number;
}

export class TotalsSlab {
  readonly #categories: readonly string[];
  #slots = 8192;
  /** Numbers by slot, 0 for a free one, and the subscriber's index beside it. */
  #numbers = new Float64Array(this.#slots);
  #indexes = new Int32Array(this.#slots);
  readonly #subscribers: number[] = [];
  #sums: Float64Array;
  readonly #carried = new Map<number, bigint>();

  constructor(categories: readonly string[]) {
    this.#categories = categories;
    this.#sums = new Float64Array(1024 * categories.length * columns);
  }

  /** `msisdn` is the number as an integer of at most 15 digits, 0 for none; `category` an index. */
  add(msisdn: number, category: number, entry: SlabEntry): void {
    const row = (this.#indexOf(msisdn) * this.#categories.length + category) * columns;
    this.#addTo(row, 1);
    if (entry.unrated) this.#addTo(row + 1, 1);
    this.#addTo(row + 2, entry.usageS);
    this.#addTo(row + 3, entry.usageOctets);
    this.#addTo(row + 4, entry.usageCount);
    if (!entry.unrated) this.#addTo(row + 5, entry.amountE8);
    this.#addTo(row + 6, entry.providerAmountE8);
  }

  rows(): UsageTotal[] {
    const rows: UsageTotal[] = [];
    for (const [index, number] of this.#subscribers.entries()) {
      for (const [category, name] of this.#categories.entries()) {
        const row = (index * this.#categories.length + category) * columns;
        const sum = (column: number) => BigInt(this.#sums[row + column]!) + (this.#carried.get(row + column) ?? 0n);
        if (sum(0) === 0n) continue;
        rows.push({
          msisdn: number === 0 ? '' : String(number),
          category: name,
          records: sum(0),
          unrated: sum(1),
          usageS: sum(2),
          usageOctets: sum(3),
          usageCount: sum(4),
          amountE8: sum(5),
          providerAmountE8: sum(6),
        });
      }
    }
    return rows;
  }

  #addTo(cell: number, value: number): void {
    const sum = this.#sums[cell]! + value;
    if (sum < carryAt && sum > -carryAt) {
      this.#sums[cell] = sum;
    } else {
      this.#carried.set(cell, (this.#carried.get(cell) ?? 0n) + BigInt(sum));
      this.#sums[cell] = 0;
    }
  }

  #indexOf(msisdn: number): number {
    // the table holds number + 1, so that 0 marks a free slot
    const wanted = msisdn + 1;
    let slot = slotOf(wanted, this.#slots);
    for (;;) {
      const number = this.#numbers[slot]!;
      if (number === wanted) return this.#indexes[slot]!;
      if (number === 0) break;
      slot = (slot + 1) & (this.#slots - 1);
    }
    const index = this.#subscribers.length;
    this.#subscribers.push(msisdn);
    this.#numbers[slot] = wanted;
    this.#indexes[slot] = index;
    if ((index + 1) * this.#categories.length * columns >= this.#sums.length) {
      const larger = new Float64Array(this.#sums.length * 2);
      larger.set(this.#sums);
      this.#sums = larger;
    }
    if (this.#subscribers.length * 2 > this.#slots) this.#grow();
    return index;
  }

  #grow(): void {
    this.#slots *= 2;
    this.#numbers = new Float64Array(this.#slots);
    this.#indexes = new Int32Array(this.#slots);
    for (const [index, msisdn] of this.#subscribers.entries()) {
      let slot = slotOf(msisdn + 1, this.#slots);
      while (this.#numbers[slot] !== 0) slot = (slot + 1) & (this.#slots - 1);
      this.#numbers[slot] = msisdn + 1;
      this.#indexes[slot] = index;
    }
  }
}

function slotOf(number: number, slots: number): number {
  const hash = Math.imul((number | 0) ^ Math.imul((number / 4_294_967_296) | 0, 0x85ebca6b), 0x9e3779b1 | 0);
  return (hash ^ (hash >>> 15)) & (slots - 1);
}

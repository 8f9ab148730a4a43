/**
 * What the two CSV packages feed: the last record of each id in typed columns behind a Map, then rated by the longest prefix in
 * a Map and summed. Whole numbers in Number, which these amounts fit.
 */
import type { TotalRow } from '../contender.ts';
import { per, prices } from '../prices.ts';

const kinds = ['voice', 'sms'];
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const longest = 7;

export class PlainPass {
  readonly #rowOf = new Map<string, number>();
  readonly #prices = new Map(prices().map(({ prefix, pricesE8 }) => [prefix, pricesE8]));
  #subscriber = new Float64Array(1024);
  #kind = new Uint8Array(1024);
  #usage = new Float64Array(1024);
  #chargeE8 = new Float64Array(1024);
  readonly #heads: string[] = [];

  /** Fields as in the file: id, msisdn, kind, destination, started_at, usage, charge, description. */
  take(fields: readonly string[]): void {
    if (fields.length !== 8) return;
    const [id, msisdn, kind, destination, start, usage, charge] = fields as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const subscriber = Number(msisdn);
    const units = Number(usage);
    const chargeE8 = Math.round(Number(charge) * 10_000) * 10_000;
    const known = kinds.indexOf(kind);
    if (known < 0 || !Number.isInteger(units) || Number.isNaN(chargeE8) || !isTime(start)) return;
    let row = this.#rowOf.get(id);
    if (row === undefined) {
      row = this.#rowOf.size;
      this.#rowOf.set(id, row);
      if (row === this.#subscriber.length) this.#grow();
    }
    this.#subscriber[row] = subscriber;
    this.#kind[row] = known;
    this.#usage[row] = units;
    this.#chargeE8[row] = chargeE8;
    this.#heads[row] = destination.slice(0, longest);
  }

  totals(): TotalRow[] {
    const sums = new Map<number, number[]>();
    for (let row = 0; row < this.#rowOf.size; row += 1) {
      const kind = this.#kind[row]!;
      const usage = this.#usage[row]!;
      const priceE8 = this.#priceOf(this.#heads[row]!)?.[kind] ?? null;
      const divisor = per[kind]! * 10_000;
      const amount = priceE8 === null ? 0 : Math.floor((2 * priceE8 * usage + divisor) / (2 * divisor)) * 10_000;
      const key = this.#subscriber[row]! * 2 + kind;
      let sum = sums.get(key);
      if (sum === undefined) {
        sum = [0, 0, 0, 0, 0];
        sums.set(key, sum);
      }
      sum[0]! += 1;
      if (priceE8 === null) sum[1]! += 1;
      sum[2]! += usage;
      sum[3]! += amount;
      sum[4]! += this.#chargeE8[row]!;
    }
    return [...sums].map(([key, sum]) => {
      const [records, unrated, usage, amountE8, chargeE8] = sum.map(BigInt) as [bigint, bigint, bigint, bigint, bigint];
      const subscriber = BigInt(Math.floor(key / 2));
      return { subscriber, kind: kinds[key % 2]!, records, unrated, usage, amountE8, chargeE8 };
    });
  }

  #priceOf(head: string): readonly (number | null)[] | undefined {
    for (let length = head.length; length > 0; length -= 1) {
      const found = this.#prices.get(head.slice(0, length));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #grow(): void {
    const twice = <T extends Float64Array | Uint8Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    const length = this.#subscriber.length * 2;
    this.#subscriber = twice(this.#subscriber, new Float64Array(length));
    this.#kind = twice(this.#kind, new Uint8Array(length));
    this.#usage = twice(this.#usage, new Float64Array(length));
    this.#chargeE8 = twice(this.#chargeE8, new Float64Array(length));
  }
}

/** A date of the calendar: Date.parse takes 31 June for the first of July. */
function isTime(text: string): boolean {
  if (!time.test(text)) return false;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).getUTCDate() === Number(text.slice(8, 10));
}

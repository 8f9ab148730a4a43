import assert from 'node:assert/strict';
import { test } from 'node:test';
import { priceRater, priceTables } from '../../../src/kernel/rating/price-list.ts';
import { batchRows, usageBatch } from '../../../src/kernel/usage-batch.ts';
import { seeded } from '../small-csv.ts';

test('the longest prefix has the price, found by trie as by a Map, and amounts are rounded as in bigint', () => {
  const random = seeded(5);
  const digits = (most: number) => String(Math.floor(random() * 10 ** (1 + Math.floor(random() * most))));
  const prices = new Map<string, readonly (number | null)[]>();
  for (let index = 0; index < 3000; index += 1) {
    const price = () => (random() < 0.1 ? null : Math.floor(random() * 10 ** (3 + Math.floor(random() * 9))));
    prices.set(digits(7), [price(), price()]);
  }
  const per = [60, 1024];
  const list = [...prices].map(([prefix, pricesE8]) => ({ prefix, pricesE8 }));
  const rate = priceRater(priceTables(list, per, { unitE8: 10_000, mode: 'half-away' }));
  for (let turn = 0; turn < 20; turn += 1) {
    const batch = usageBatch();
    const numbers: string[] = [];
    for (let row = 0; row < batchRows; row += 1) {
      const number = digits(14);
      batch.toAt[row] = numbers.join('').length;
      batch.toDigits[row] = number.length;
      batch.kind[row] = Math.floor(random() * 2);
      batch.usage[row] = Math.floor(random() * 10 ** Math.floor(random() * 10));
      numbers.push(number);
    }
    batch.rows = batchRows;
    rate(batch, Buffer.from(numbers.join('')));
    for (const [row, number] of numbers.entries()) {
      let found: string | undefined;
      for (let length = 7; length > 0 && found === undefined; length -= 1) {
        if (number.length >= length && prices.has(number.slice(0, length))) found = number.slice(0, length);
      }
      const price = found === undefined ? null : prices.get(found)![batch.kind[row]!]!;
      assert.equal(
        batch.amountE8[row],
        price === null ? -1 : expected(price, batch.usage[row]!, per[batch.kind[row]!]!),
      );
    }
  }
});

function expected(priceE8: number, usage: number, per: number): number {
  const divisor = BigInt(per) * 10_000n;
  const amount = ((2n * BigInt(priceE8) * BigInt(usage) + divisor) / (2n * divisor)) * 10_000n;
  return amount > BigInt(Number.MAX_SAFE_INTEGER) ? -1 : Number(amount);
}

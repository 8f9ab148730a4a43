/** 5,000 prefixes with a price for a minute of voice and one for a message, from a seed; longer ones lie inside shorter ones. */
import type { PricedPrefix } from '../../src/kernel/rating/price-list.ts';
import type { UsageLayout } from '../../src/kernel/usage-layout.ts';
import { xorshift } from './random.ts';

export const layout: UsageLayout = {
  delimiter: ',',
  columns: {
    key: 'id',
    subscriber: 'msisdn',
    kind: 'kind',
    to: 'destination',
    start: 'started_at',
    usage: 'usage',
    charge: 'charge',
  },
  kinds: [
    { word: 'voice', kind: 'voice', category: 'international' },
    { word: 'sms', kind: 'sms', category: 'sms' },
  ],
};
/** Units per price: a minute, a message. */
export const per = [60, 1] as const;

const prefixes = 5000;
const longest = 7;

/** No prefix begins with 9: numbers that do have no price. */
export function prices(seed = 1): PricedPrefix[] {
  const random = xorshift(seed);
  const digit = (below: number) => String(Math.floor(random() * below));
  const known = new Set<string>(['31', '316', '3161', '3165']);
  while (known.size < 150)
    known.add(String(1 + Math.floor(random() * 8)) + digit(10) + (random() < 0.5 ? digit(10) : ''));
  const list = [...known];
  while (list.length < prefixes) {
    let prefix = list[Math.floor(random() * list.length)]!;
    for (let more = 1 + Math.floor(random() * 3); more > 0 && prefix.length < longest; more -= 1) prefix += digit(10);
    if (known.has(prefix)) continue;
    known.add(prefix);
    list.push(prefix);
  }
  // five decimals, so that most amounts have to be rounded
  const priceE8 = () => (1 + Math.floor(random() * 25_000)) * 1000;
  return list.map((prefix) => ({ prefix, pricesE8: [priceE8(), priceE8()] }));
}

/** What usage of a category is counted in, and the effective price of a unit that people know: a minute, a MiB, a piece. */
import { usageCategories } from '../telecom/category.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import { roundedQuotient } from './rounded.ts';

export interface Unit {
  readonly name: 's' | 'octets' | 'pieces';
  /** Of these, in the unit that a price is shown for. */
  readonly per: bigint;
  readonly perName: 'minute' | 'MiB' | 'piece';
}

const seconds: Unit = { name: 's', per: 60n, perName: 'minute' };
const octets: Unit = { name: 'octets', per: 1_048_576n, perName: 'MiB' };
const pieces: Unit = { name: 'pieces', per: 1n, perName: 'piece' };

/** Charges that a provider states itself. */
const charges = ['recurring', 'oneoff', 'credit'];
const known: ReadonlySet<string> = new Set([...usageCategories, ...charges]);

export function isKnownCategory(category: string): boolean {
  return known.has(category);
}

export function unitOf(category: string): Unit {
  if (category.startsWith('data')) return octets;
  return category.startsWith('sms') || charges.includes(category) ? pieces : seconds;
}

/** `0.1234 per minute`; null without usage. For people: the amount itself is never calculated from it. */
export function effectivePrice(category: string, amountE8: bigint, usage: bigint | null): string | null {
  if (usage === null || usage <= 0n) return null;
  const unit = unitOf(category);
  const priceE8 = roundedQuotient(amountE8 * unit.per, usage);
  return `${formatAmountE8(priceE8)} per ${unit.perName}`;
}

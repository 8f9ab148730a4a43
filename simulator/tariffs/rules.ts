/** Small builders that keep the tariffs readable: amounts in micro-euros, a price index per version, bands as a table. */
import type { RuleForm, StepForm, Weekday } from '../tariff-form.ts';

export const workdays: Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri'];

/** Writes micro-euros as a decimal string after raising them to `percent`. */
export type Price = (microEur: number) => string;

export function priceIndex(percent: number): Price {
  return (microEur) => {
    const raised = Math.round((microEur * percent) / 100);
    return `${Math.floor(raised / 1_000_000)}.${String(raised % 1_000_000).padStart(6, '0')}`;
  };
}

export interface Increment {
  per: number;
  first: number;
  next: number;
}

export const perMinute = (first: number, next: number): Increment => ({ per: 60, first, next });

/** Steps from [from, price] pairs with one increment. */
export function steps(increment: Increment, ...pairs: [number, string][]): StepForm[] {
  return pairs.map(([from, price]) => ({ from, price, ...increment }));
}

export interface Band {
  name: string;
  from: string;
  weekdays?: Weekday[];
  steps: StepForm[];
}

/** One rule per band, all for the same destination and with the same connect fee. */
export function bands(rule: Omit<RuleForm, 'steps' | 'active'>, list: readonly Band[]): RuleForm[] {
  return list.map((band) => ({
    ...rule,
    id: `${rule.id}-${band.name}`,
    active: band.weekdays === undefined ? { from: band.from } : { from: band.from, weekdays: band.weekdays },
    steps: band.steps,
  }));
}

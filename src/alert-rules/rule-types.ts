/**
 * The kinds of alert rules and their parameters. A type's name is the rule of the alerts that it raises. What a row or a
 * document leaves out has the default that stands here, so that every rule works without configuration.
 */
import { z } from 'zod';
import { closedObject } from '../telecom/document-problem.ts';
import { parseAmountE8 } from '../telecom/money.ts';

const euros = z
  .string()
  .refine((text) => parseAmountE8(text) > 0, 'must be an amount of EUR above 0 as text, such as "25" or "12.50"');
/** At least one, each once; the order does not matter. */
const several = <T extends z.ZodType>(one: T) =>
  z
    .array(one)
    .min(1, 'must have at least one level')
    .max(20, 'must have at most 20 levels')
    .refine((all) => new Set(all).size === all.length, 'must have each level once');
const percents = several(z.int().min(1).max(1_000)).default([80, 100]);

export const ruleParams = {
  /** Of a subscription's or a shared allowance. */
  'usage.allowance': closedObject({ percents }),
  /** What a subscription used beyond its bundles, in one cycle. */
  'usage.out-of-bundle': closedObject({ levelsEur: several(euros).default(['25', '50', '100']) }),
  /** The same of all contracts of a customer, over the cycles that begin in one month. */
  'usage.out-of-bundle-customer': closedObject({ levelsEur: several(euros).default(['250', '500', '1000']) }),
  /** Data outside the EU; a MB is 1,000,000 octets. */
  'usage.roaming-data': closedObject({ levelsMb: several(z.int().min(1).max(1_000_000)).default([1]) }),
  /** Data in the EU against the fair-use volume. */
  'usage.fair-use': closedObject({ percents }),
  /** Any call to a premium number, a satellite, a ship or a plane. */
  'usage.premium': closedObject({}),
  /** More than `factor` times the median of the last cycles, and more than `aboveEur` over it. */
  'usage.spike': closedObject({
    factor: z.int().min(2).max(100).default(3),
    aboveEur: euros.default('20'),
    cycles: z.literal([3, 5, 7, 9, 11], 'must be an odd number from 3 to 11').default(3),
  }),
  'usage.long-call': closedObject({ hours: z.int().min(1).max(48).default(4) }),
  /** What a subscription will have used beyond its bundles when the cycle ends, if it goes on so. */
  'usage.forecast': closedObject({
    levelsEur: several(euros).default(['100']),
    fromDay: z.int().min(2).max(28).default(5),
  }),
  'subscription.unknown': closedObject({}),
  'subscription.zero-usage': closedObject({ cycles: z.int().min(1).max(24).default(3) }),
  'provider.silent': closedObject({ periods: z.int().min(1).max(24).default(2) }),
  'credential.expires': closedObject({ days: z.int().min(1).max(366).default(14) }),
  /** Raised by the import, which is held up by the gap. */
  'file.sequence-gap': closedObject({}),
} as const;

export type RuleType = keyof typeof ruleParams;
export type RuleParams = { [Type in RuleType]: z.output<(typeof ruleParams)[Type]> };

export const ruleTypes = Object.keys(ruleParams) as RuleType[];

/** What holds back work is never silent: these cannot be switched off. */
export const alwaysOn: ReadonlySet<RuleType> = new Set<RuleType>(['file.sequence-gap']);

/** Evaluated by the clock and for all contracts, not for a cycle when its totals are swapped. */
export const clockTypes = ['provider.silent', 'credential.expires'] as const satisfies readonly RuleType[];

/** About a customer as a whole. */
export const customerTypes = ['usage.out-of-bundle-customer'] as const satisfies readonly RuleType[];

/**
 * The form of a tariff document: keys, types and bounds of single values (docs/tariff.md). What several values must agree
 * on is in tariff-checks.ts. Every message says what to write instead.
 */
import * as z from 'zod';
import { usageCategories } from './category.ts';
import { parseLocalMs, parseTimeOfDayMs } from './civil-date.ts';
import { closedObject } from './document-problem.ts';
import { parseAmountE8 } from './money.ts';

export const ratedKinds = ['voice', 'sms', 'mms', 'data'] as const;
export const weekdayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

const maxPriceE8 = 100_000_000_000;
const nameMessage = 'must be a name of 1 to 80 characters without spaces, control characters, "/" or "\\"';
export const nameSchema = z.string(nameMessage).regex(/^[^\s\p{Cc}\p{Cs}/\\]{1,80}$/u, nameMessage);
const priceMessage = 'must be a decimal string in EUR from "0" to "1000" with at most 8 decimals, such as "0.12"';
export const priceSchema = z.string(priceMessage).refine((text) => {
  const amountE8 = parseAmountE8(text);
  return amountE8 >= 0 && amountE8 <= maxPriceE8;
}, priceMessage);
const prefixMessage = 'must be the first digits of an E.164 number without + or 00, such as "316"';
const prefixSchema = z.string(prefixMessage).regex(/^[1-9]\d{0,14}$/, prefixMessage);
const networkMessage = 'must be an MCC of 3 digits or an MCC and MNC of 5 or 6 digits, such as "208" or "20801"';
const networkSchema = z.string(networkMessage).regex(/^\d{3}(\d{2,3})?$/, networkMessage);
const categoryMessage = `must be one of ${usageCategories.join(', ')}`;
const weekdayMessage = `must be one of ${weekdayNames.join(', ')}`;
const timeMessage = 'must be a local time of day such as "08:00:00"';
const localDateTimeMessage =
  'must be a local date and time that exists, from 1970 to 2199, such as "2026-01-01T00:00:00"';
const earliestLocalMs = parseLocalMs('1970-01-02T00:00:00');
const latestLocalMs = parseLocalMs('2199-12-30T00:00:00');

export function wholeNumber(min: number, max: number): z.ZodNumber {
  const message = `must be a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message);
}

export function filledList<T extends z.ZodType>(item: T): z.ZodArray<T> {
  const message = 'must be a list of at least one value; leave the key out when it does not matter';
  return z.array(item, message).min(1, message);
}

function timeZoneExists(timeZone: string): boolean {
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(timeZone) !== undefined;
  } catch {
    return false;
  }
}

/** Within the years of the tables of local-time.ts, whatever the zone. */
export const localDateTimeSchema = z.string(localDateTimeMessage).refine((text) => {
  const localMs = parseLocalMs(text);
  return localMs >= earliestLocalMs && localMs <= latestLocalMs;
}, localDateTimeMessage);

const stepSchema = closedObject({
  from: wholeNumber(0, 2 ** 40),
  price: priceSchema,
  per: wholeNumber(1, 2 ** 40),
  first: wholeNumber(1, 2 ** 40),
  next: wholeNumber(1, 2 ** 40),
});

const matchSchema = closedObject({
  prefixes: filledList(prefixSchema).optional(),
  zones: filledList(nameSchema).optional(),
  categories: filledList(z.enum(usageCategories, categoryMessage)).optional(),
});

const activeSchema = closedObject({
  months: filledList(wholeNumber(1, 12)).optional(),
  days: filledList(wholeNumber(1, 31)).optional(),
  weekdays: filledList(z.enum(weekdayNames, weekdayMessage)).optional(),
  from: z
    .string(timeMessage)
    .refine((text) => !Number.isNaN(parseTimeOfDayMs(text)), timeMessage)
    .optional(),
});

export const ruleSchema = closedObject({
  id: nameSchema,
  kind: z.enum(ratedKinds, `must be one of ${ratedKinds.join(', ')}`),
  match: matchSchema,
  active: activeSchema.optional(),
  weight: wholeNumber(-1_000_000, 1_000_000).optional(),
  connectFee: priceSchema.optional(),
  minimum: priceSchema.optional(),
  cap: closedObject({
    amount: priceSchema,
    strategy: z.enum(['free', 'disconnect'], 'must be "free" or "disconnect"'),
  }).optional(),
  steps: filledList(stepSchema),
  rounding: closedObject({
    decimals: wholeNumber(0, 8).optional(),
    mode: z.enum(['half-away', 'up'], 'must be "half-away" or "up"').optional(),
  }).optional(),
});

export const zonesSchema = z.record(
  nameSchema,
  filledList(networkSchema),
  'must be an object of zone names with lists of networks',
);

export const versionSchema = closedObject({
  validFrom: localDateTimeSchema,
  validTo: localDateTimeSchema.nullable(),
  changePolicy: z.enum(['by_start', 'split'], 'must be "by_start" or "split"').optional(),
  fallback: nameSchema.optional(),
  zones: zonesSchema.optional(),
  rules: filledList(ruleSchema),
});

export const timeZoneSchema = z
  .string('must be a time zone')
  .refine(timeZoneExists, 'must be a time zone such as "Europe/Amsterdam"');

export const tariffSchema = closedObject({
  tariff: nameSchema,
  provider: nameSchema,
  currency: z.literal('EUR', 'must be "EUR"'),
  timeZone: timeZoneSchema,
  versions: filledList(versionSchema),
});

export type RuleDocument = z.infer<typeof ruleSchema>;
export type VersionDocument = z.infer<typeof versionSchema>;
export type TariffDocument = z.infer<typeof tariffSchema>;

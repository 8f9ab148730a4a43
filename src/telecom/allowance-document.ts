/**
 * The form of an allowance in a document: in a contract or a subscription of the customers document, and in the records that
 * `linekeeper rate` reads (docs/tariff.md). Every message says what to write instead.
 */
import * as z from 'zod';
import { type Allowance, homeZone } from './allowance.ts';
import { usageCategories } from './category.ts';
import { parseIsoDate } from './civil-date.ts';
import { closedObject } from './document-problem.ts';
import { parseAmountE8 } from './money.ts';
import type { RecordKind } from './record.ts';
import { filledList, nameSchema, priceSchema, wholeNumber } from './tariff-schema.ts';

const unitsOfKind = {
  voice: { s: 1, min: 60 },
  sms: { messages: 1 },
  mms: { messages: 1 },
  data: { octets: 1, MB: 1e6, MiB: 2 ** 20, GB: 1e9, GiB: 2 ** 30 },
} as const;
type RatedKind = keyof typeof unitsOfKind;

const kinds = Object.keys(unitsOfKind) as RatedKind[];
const unitNames = [...new Set(kinds.flatMap((kind) => Object.keys(unitsOfKind[kind])))];
/** Octets in one allowance stay far below 2^53. */
const largestAmount = 1_000_000;
const dateMessage = 'must be a date from 1970-01-03 to 2199-12-29, such as "2026-04-01"';
const earliestDay = parseIsoDate('1970-01-03');
const latestDay = parseIsoDate('2199-12-29');
const dateSchema = z.string(dateMessage).refine((text) => {
  const day = parseIsoDate(text);
  return day >= earliestDay && day <= latestDay;
}, dateMessage);

const allowanceForm = closedObject({
  name: nameSchema,
  kind: z.enum(kinds, `must be one of ${kinds.join(', ')}`),
  amount: wholeNumber(1, largestAmount),
  unit: z.enum(unitNames, `must be one of ${unitNames.join(', ')}`),
  shared: z.boolean('must be true (one for all subscriptions) or false (each has its own)').default(false),
  priority: wholeNumber(-1000, 1000).default(0),
  increment: wholeNumber(1, 2 ** 30).optional(),
  scope: closedObject({
    categories: filledList(z.enum(usageCategories, `must be one of ${usageCategories.join(', ')}`)),
    zones: filledList(nameSchema).default([homeZone]),
  }),
  validFrom: dateSchema.nullable().default(null),
  validTo: dateSchema.nullable().default(null),
  fairUse: closedObject({ monthlyPrice: priceSchema, zones: filledList(nameSchema) }).optional(),
});

export const allowanceSchema = allowanceForm.superRefine((allowance, context) => {
  const { kind, unit, validFrom, validTo, fairUse, scope } = allowance;
  const report = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  const units = Object.keys(unitsOfKind[kind]);
  if (!units.includes(unit)) report(['unit'], `must be ${units.join(' or ')} for ${kind}`);
  if (validFrom !== null && validTo !== null && validTo <= validFrom) {
    report(['validTo'], 'must be later than validFrom; it is the first day without the allowance');
  }
  if (fairUse === undefined) return;
  if (kind !== 'data')
    report(['fairUse'], 'is for data only: calls and messages in the EU cost what they cost at home');
  const outside = fairUse.zones.find((zone) => !scope.zones.includes(zone));
  if (outside !== undefined)
    report(['fairUse', 'zones'], `must be zones of the scope; "${outside}" is not one of them`);
});

export type AllowanceEntry = z.infer<typeof allowanceSchema>;

/** A checked entry as rating takes it; `msisdn` when it is one subscription's. */
export function allowanceOf(entry: AllowanceEntry, id: string, msisdn: string | null): Allowance {
  const { name, kind, shared, priority, validFrom, validTo, fairUse } = entry;
  const perUnit = (unitsOfKind[kind] as Readonly<Record<string, number>>)[entry.unit]!;
  return {
    id,
    name,
    kind: kind satisfies RecordKind,
    amount: entry.amount * perUnit,
    shared,
    msisdn,
    priority,
    increment: entry.increment ?? null,
    categories: entry.scope.categories,
    zones: entry.scope.zones,
    validFrom,
    validTo,
    fairUse:
      fairUse === undefined ? null : { monthlyPriceE8: parseAmountE8(fairUse.monthlyPrice), zones: fairUse.zones },
  };
}

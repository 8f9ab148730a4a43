/**
 * What stands in a provider's records, as plain data: which of its values becomes which field of ours, and what its codes
 * mean. A code that is not in the table becomes category `unknown`, which is never rated and never zero.
 */
import { z } from 'zod';
import { usageCategories } from '../../telecom/category.ts';
import { field, recordKinds } from './fields.ts';
import { place } from './places.ts';

const recordType = z.strictObject({
  /** For people. */
  name: z.string().min(1),
  /** All types of a spec look at the same place. Without it there is one type and every record is of it. */
  when: z.strictObject({ from: place, is: z.array(z.string().min(1)).min(1).readonly() }).optional(),
  /** Absent when a field tells it. A one-off charge with a negative amount is a credit. */
  kind: z.enum(recordKinds).optional(),
  fields: z.array(field).min(1).readonly(),
  /** A visited network that is not at home makes the record roaming, whatever its code. */
  foreignIsRoaming: z.boolean().default(false),
});
export type RecordType = Readonly<z.infer<typeof recordType>>;

const code = z.strictObject({
  category: z.enum(usageCategories),
  /** The visited network must be there; in records that are not roaming it is left out. */
  roaming: z.boolean().default(false),
});

/** A price outside of this is a decimal comma read as a point, or amounts a hundred times too high (F10): a line error. */
const plausible = z.strictObject({
  kind: z.enum(recordKinds),
  /** What it is the price of: 60 seconds, one message, 1,048,576 octets. */
  per: z.int().positive(),
  /** 1e-8 EUR, not counting `plusE8`, which a record may cost whatever its usage. */
  atMostE8: z.int().positive(),
  plusE8: z.int().min(0).default(0),
});

export const recordsSpec = z.strictObject({
  types: z.array(recordType).min(1).readonly(),
  codes: z.record(z.string(), code).readonly().default({}),
  /** MCCs (or MCC and MNC) that are not roaming. */
  homeNetworks: z
    .array(z.string().regex(/^\d{3,6}$/))
    .readonly()
    .default(['204']),
  plausible: z.array(plausible).readonly().default([]),
  /** A call that is longer is impossible (F12): networks end calls sooner. Not more than a month. */
  longestCallHours: z
    .int()
    .min(1)
    .max(31 * 24)
    .default(24),
});
export type RecordsSpec = Readonly<z.infer<typeof recordsSpec>>;
export type RecordKind = (typeof recordKinds)[number];

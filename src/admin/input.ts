/** What callers send, checked by zod. Unknown keys are refused with the nearest known one. */
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { maskText } from '../log/mask.ts';
import { dateSchema } from '../telecom/date-schema.ts';

export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
}

/** Returns the parsed input or throws `InvalidRequestError` that names every wrong key and value. */
export function parseInput<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  value: unknown,
): z.output<z.ZodObject<Shape>> {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const known = Object.keys(schema.shape);
  throw new InvalidRequestError(parsed.error.issues.map((issue) => problem(issue, known, value)).join('; '));
}

function problem(issue: z.core.$ZodIssue, known: readonly string[], value: unknown): string {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, known)).join('; ');
  const path = issue.path.join('.');
  if (path === '') return issue.message;
  const given = (value as Record<string, unknown> | null)?.[String(issue.path[0])];
  if (given === undefined) return `${path} is missing`;
  return `${path} ${maskText(JSON.stringify(given)).slice(0, 100)}: ${issue.message}`;
}

function unknownKey(key: string, known: readonly string[]): string {
  if (known.length === 0) return `unknown key ${key}; none is allowed here`;
  const nearest = closest(key, [...known]);
  const hint = distance(key, nearest) <= 3 ? `did you mean ${nearest}?` : `known: ${known.join(', ')}`;
  return `unknown key ${key.slice(0, 50)}; ${hint}`;
}

/** From 1 on, as text of a query. */
export function wholeNumber(most: number) {
  const message = `must be a whole number from 1 to ${most}`;
  return z.coerce.number(message).int(message).min(1, message).max(most, message);
}

const largestId = 2n ** 63n - 1n;
export const id = z
  .string()
  .refine((text) => /^[1-9][0-9]{0,18}$/.test(text) && BigInt(text) <= largestId, 'must be a number such as 42');
export const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1 to 63 of A-Z a-z 0-9 . _ -');
export const cycle = dateSchema('must be a date such as 2026-03-01, the first day of the cycle');
/** Stored with its leading zeros. */
export const account = z
  .string()
  .regex(/^[0-9]{1,10}$/, 'must be up to 10 digits')
  .transform((digits) => digits.padStart(10, '0'));
/** What a person says of a decision, and what is kept with it. */
export const reason = z.string().min(1, 'must say why').max(500, 'must be at most 500 characters');
export const limit = wholeNumber(10_000);
export const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');

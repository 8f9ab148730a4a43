/** Small words that file and record specs share: patterns as text, places of a value, formats of local time. */
import { z } from 'zod';

/** A regular expression as text; its named groups are the facts that a file's name tells. */
export const pattern = z.string().refine(compiles, { error: 'is no regular expression' });

/**
 * Where a value stands: fixed width: first and last byte, counted from 1, both included; CSV: the name of its column; JSON: the
 * names on the way to it, joined by dots (`amount.value`).
 */
export const place = z.union([
  z
    .tuple([z.int().min(1), z.int().min(1)])
    .refine(([from, to]) => from <= to, { error: 'ends before it begins' })
    .readonly(),
  z.string().min(1).max(200),
]);
export type Place = z.infer<typeof place>;

/** `yyyy`, `mm`, `dd`, `hh`, `mi`, `ss` once each, and what stands between them: `dd-mm-yyyy hh:mi:ss`. */
export const localFormat = z
  .string()
  .max(40)
  .refine((text) => formatParts.every((part) => text.split(part).length <= 2), { error: 'has a part twice' })
  .refine((text) => /^[-/.: T]*$/.test(formatParts.reduce((rest, part) => rest.replace(part, ''), text)), {
    error: 'may hold yyyy, mm, dd, hh, mi, ss and the characters - / . : T and blank',
  });

/** How a field tells a kind, a flag or a state: what the file writes, and what that means. */
export function meanings<T extends string>(values: readonly [T, ...T[]]) {
  return z.record(z.string().max(100), z.enum(values)).readonly();
}

export const formatParts = ['yyyy', 'mm', 'dd', 'hh', 'mi', 'ss'] as const;

function compiles(text: string): boolean {
  try {
    return new RegExp(text).flags === '';
  } catch {
    return false;
  }
}

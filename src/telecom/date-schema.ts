/** A day of a document or a command that a row can hold: the year 0, which ISO 8601 has, is none. */
import * as z from 'zod';

export function dateSchema(message: string) {
  return z.iso.date(message).refine((text) => text >= '1970-01-01', `${message}, from 1970 on`);
}

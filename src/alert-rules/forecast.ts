/** What a cycle will come to when it goes on as it began: linear by local days (domain.md 4.5). */
import { parseIsoDate } from '../telecom/civil-date.ts';

/** Local days from one ISO date to another; negative when the second is before the first. */
export function localDays(from: string, to: string): number {
  return parseIsoDate(to) - parseIsoDate(from);
}

/** `amountE8` was used in `elapsedDays` of `days`, both above 0. Whole 1e-8 EUR, rounded down: a forecast promises no cents. */
export function forecastE8(amountE8: string | bigint, elapsedDays: number, days: number): bigint {
  return (BigInt(amountE8) * BigInt(days)) / BigInt(elapsedDays);
}

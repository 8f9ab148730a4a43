/**
 * What the clock on the wall shows at an instant. The evaluator asks for every second of a call. The offset from UTC is
 * looked up with Temporal once per quarter of an hour and remembered: no zone changes its offset inside one.
 */
import type { Weekday } from '../tariff-form.ts';

export interface WallTime {
  /** Local days since 1970-01-01; differs between two instants exactly when the local date does. */
  date: number;
  month: number;
  dayOfMonth: number;
  weekday: Weekday;
  secondOfDay: number;
}

/** `callStartS` is there for clocks that are wrong on purpose (the tests' mutants); a right clock ignores it. */
export type WallClock = (utcS: number, callStartS: number) => WallTime;

const quarterS = 900;
const dayS = 86_400;
const weekdays: readonly Weekday[] = ['thu', 'fri', 'sat', 'sun', 'mon', 'tue', 'wed'];

export function offsetLookup(timeZone: string): (utcS: number) => number {
  const offsets = new Map<number, number>();
  return (utcS) => {
    const quarter = Math.floor(utcS / quarterS);
    let offsetS = offsets.get(quarter);
    if (offsetS === undefined) {
      const instant = Temporal.Instant.fromEpochMilliseconds(quarter * quarterS * 1000);
      offsetS = instant.toZonedDateTimeISO(timeZone).offsetNanoseconds / 1e9;
      offsets.set(quarter, offsetS);
    }
    return offsetS;
  };
}

export function wallClock(timeZone: string): WallClock {
  const offsetAt = offsetLookup(timeZone);
  return (utcS) => wallTimeOf(utcS + offsetAt(utcS));
}

/** `localS`: seconds of the local date and time since 1970-01-01T00:00:00 local. */
export function wallTimeOf(localS: number): WallTime {
  const date = Math.floor(localS / dayS);
  const { month, dayOfMonth } = monthAndDay(date);
  const weekday = weekdays[((date % 7) + 7) % 7] as Weekday;
  return { date, month, dayOfMonth, weekday, secondOfDay: localS - date * dayS };
}

const knownDates = new Map<number, { month: number; dayOfMonth: number }>();

function monthAndDay(date: number): { month: number; dayOfMonth: number } {
  let known = knownDates.get(date);
  if (known === undefined) {
    const day = new Date(date * dayS * 1000);
    known = { month: day.getUTCMonth() + 1, dayOfMonth: day.getUTCDate() };
    knownDates.set(date, known);
  }
  return known;
}

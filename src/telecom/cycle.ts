/**
 * Billing cycles: from local midnight of the cycle day to local midnight of the next one. Cycle days 29 to 31 clamp to the
 * month's last day. A record belongs to the cycle of the local date of its start (domain.md 4.4).
 */
import { dayNumber, daysInMonth, isoDate, packedDate, parseIsoDate } from './civil-date.ts';
import type { LocalTime } from './local-time.ts';

export interface Cycle {
  /** First local date, such as `2026-03-01`. */
  readonly start: string;
  /** First local date of the next cycle. */
  readonly end: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

/** Day number on which the cycle of a local day begins; cycleDay 1..31. Allocation-free. */
export function cycleStartDay(day: number, cycleDay: number): number {
  const packed = packedDate(day);
  const year = Math.floor(packed / 10_000);
  const month = Math.floor(packed / 100) % 100;
  const start = clampedDay(year, month, cycleDay);
  if (day >= start) return start;
  return month === 1 ? clampedDay(year - 1, 12, cycleDay) : clampedDay(year, month - 1, cycleDay);
}

/** Day number on which the cycle after the one that begins on `startDay` begins. */
export function nextCycleStartDay(startDay: number, cycleDay: number): number {
  const packed = packedDate(startDay);
  const year = Math.floor(packed / 10_000);
  const month = Math.floor(packed / 100) % 100;
  return month === 12 ? clampedDay(year + 1, 1, cycleDay) : clampedDay(year, month + 1, cycleDay);
}

/** The cycle that contains a local day. */
export function cycleOfDay(day: number, cycleDay: number, localTime: LocalTime): Cycle {
  const start = cycleStartDay(day, cycleDay);
  const end = nextCycleStartDay(start, cycleDay);
  return {
    start: isoDate(start),
    end: isoDate(end),
    startsAtMs: localTime.startOfDayMs(start),
    endsAtMs: localTime.startOfDayMs(end),
  };
}

/** The cycle that contains a local date such as `2026-03-29`. Throws RangeError when the text is no date. */
export function cycleOfDate(date: string, cycleDay: number, localTime: LocalTime): Cycle {
  const day = parseIsoDate(date);
  if (Number.isNaN(day)) throw new RangeError(`"${date}" is no date; write it as 2026-03-01`);
  return cycleOfDay(day, cycleDay, localTime);
}

function clampedDay(year: number, month: number, cycleDay: number): number {
  return dayNumber(year, month, Math.min(cycleDay, daysInMonth(year, month)));
}

/**
 * Calendar arithmetic on day numbers (days since 1970-01-01) and local milliseconds (a wall clock read as if it were
 * UTC). Pure, allocation-free except for text. Algorithms: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
 */
export const dayMs = 86_400_000;

/** Day number of a date of the proleptic Gregorian calendar; month 1..12. */
export function dayNumber(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The date of a day number as one number, yyyymmdd. */
export function packedDate(day: number): number {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
  return year * 10_000 + month * 100 + dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
}

/** 0 Monday to 6 Sunday. */
export function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** `2026-03-29`. */
export function isoDate(day: number): string {
  const packed = packedDate(day);
  const year = String(Math.floor(packed / 10_000)).padStart(4, '0');
  const rest = String(packed % 10_000).padStart(4, '0');
  return `${year}-${rest.slice(0, 2)}-${rest.slice(2)}`;
}

/** Day number of `2026-03-29`; NaN when the text is no such date or the date does not exist. */
export function parseIsoDate(text: string): number {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (match === null) return Number.NaN;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return Number.NaN;
  return dayNumber(year, month, day);
}

/** Milliseconds of the day of `08:00:00`; NaN when it is no time of day. */
export function parseTimeOfDayMs(text: string): number {
  const match = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)$/.exec(text);
  if (match === null) return Number.NaN;
  return (Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3])) * 1000;
}

/** Local milliseconds of `2026-03-29T02:30:00`; NaN when it is no local date and time. */
export function parseLocalMs(text: string): number {
  if (text[10] !== 'T') return Number.NaN;
  return parseIsoDate(text.slice(0, 10)) * dayMs + parseTimeOfDayMs(text.slice(11));
}

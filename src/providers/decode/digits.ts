/**
 * Numbers read from bytes, without a string. Every function takes the buffer, the offset of the field's first byte and its
 * length, and answers -1 (or NaN where a negative value is a value) when the field is not what it should be.
 */
export function readDigits(bytes: Uint8Array, at: number, length: number): number {
  // nine digits fit a small integer, which is several times faster than a double
  if (length <= 9) return readSmall(bytes, at, length);
  const head = readDigits(bytes, at, length - 9);
  const tail = readSmall(bytes, at + length - 9, 9);
  return head < 0 || tail < 0 ? -1 : head * 1_000_000_000 + tail;
}

function readSmall(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let index = at; index < at + length; index += 1) {
    const digit = bytes[index]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = (Math.imul(value, 10) + digit) | 0;
  }
  return value;
}

/** Digits and a trailing `+` or `-`; NaN when malformed. Exact up to 15 digits. */
export function readSigned(bytes: Uint8Array, at: number, length: number): number {
  const value = readDigits(bytes, at, length - 1);
  const sign = bytes[at + length - 1];
  if (value < 0) return Number.NaN;
  if (sign === 43) return value;
  return sign === 45 ? 0 - value : Number.NaN;
}

/** How many digits stand before the blanks that fill the field; -1 when anything else is in it, 0 when it is blank. */
export function paddedDigits(bytes: Uint8Array, at: number, length: number): number {
  let count = 0;
  while (count < length) {
    const digit = bytes[at + count]! - 48;
    if (digit < 0 || digit > 9) break;
    count += 1;
  }
  for (let index = at + count; index < at + length; index += 1) if (bytes[index] !== 32) return -1;
  return count;
}

export function isBlank(bytes: Uint8Array, at: number, length: number): boolean {
  for (let index = at; index < at + length; index += 1) if (bytes[index] !== 32) return false;
  return true;
}

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export function daysInMonth(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return leap ? 29 : monthDays[month - 1]!;
}

/** yyyymmdd as one integer; -1 when it is no day of the calendar. */
export function readDate(bytes: Uint8Array, at: number): number {
  const value = readDigits(bytes, at, 8);
  return value >= 0 && isDay(value) ? value : -1;
}

/** Of a yyyymmdd: is it in the calendar? */
export function isDay(date: number): boolean {
  const year = (date / 10_000) | 0;
  const month = ((date / 100) | 0) % 100;
  const day = date % 100;
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
}

/** hhmmss as seconds of the day; -1 when it is no time. */
export function readTime(bytes: Uint8Array, at: number): number {
  const value = readDigits(bytes, at, 6);
  if (value < 0) return -1;
  const hour = (value / 10_000) | 0;
  const minute = ((value / 100) | 0) % 100;
  const second = value % 100;
  return hour > 23 || minute > 59 || second > 59 ? -1 : hour * 3600 + minute * 60 + second;
}

/** 20260331 -> `2026-03-31`. */
export function isoDate(date: number): string {
  const text = String(date).padStart(8, '0');
  return `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`;
}

/**
 * An ISO time with an offset (`2026-10-25T02:30:00+01:00`, `…Z`): the instant that it names, and what the contract's own clock
 * showed then. Nothing is ambiguous about it.
 */
import { dayMs, dayNumber, packedDate } from '../../telecom/civil-date.ts';
import { type LocalTime, openLocalTime } from '../../telecom/local-time.ts';
import { daysInMonth, readDigits } from './digits.ts';
import type { LocalStart } from './local-start.ts';

const hourMs = 3_600_000;
/** The years of local-time.ts, a day less at either end. */
const earliestMs = Date.UTC(1971, 0, 1);
const latestMs = Date.UTC(2198, 0, 1);

export class LocalInstant {
  readonly #zone: LocalTime;
  readonly result: LocalStart = { startMs: 0, offsetMinutes: 0, ambiguous: false, shifted: false };
  date = 0;
  second = 0;
  #hour = Number.NaN;
  #offsetMs = 0;

  constructor(timeZone: string) {
    this.#zone = openLocalTime(timeZone);
  }

  /** False when it is no such time. Fills `result`, `date` and `second`. */
  read(bytes: Uint8Array, from: number, to: number): boolean {
    const ms = readInstant(bytes, from, to);
    if (!(ms >= earliestMs && ms <= latestMs)) return false;
    const hour = Math.floor(ms / hourMs);
    if (hour !== this.#hour) {
      this.#hour = hour;
      this.#offsetMs = this.#zone.offsetMsAt(hour * hourMs);
      // the clock changes within this hour: not remembered
      if (this.#zone.offsetMsAt((hour + 1) * hourMs - 1) !== this.#offsetMs) {
        this.#hour = Number.NaN;
        this.#offsetMs = this.#zone.offsetMsAt(ms);
      }
    }
    const localMs = ms + this.#offsetMs;
    const day = Math.floor(localMs / dayMs);
    this.date = packedDate(day);
    this.second = (localMs - day * dayMs) / 1000;
    this.result.startMs = ms;
    this.result.offsetMinutes = this.#offsetMs / 60_000;
    return true;
  }
}

/** UTC epoch ms in whole seconds; NaN when it is malformed. */
function readInstant(bytes: Uint8Array, from: number, to: number): number {
  const year = readDigits(bytes, from, 4);
  const month = readDigits(bytes, from + 5, 2);
  const day = readDigits(bytes, from + 8, 2);
  const hour = readDigits(bytes, from + 11, 2);
  const minute = readDigits(bytes, from + 14, 2);
  const second = readDigits(bytes, from + 17, 2);
  const separators =
    bytes[from + 4] === 45 &&
    bytes[from + 7] === 45 &&
    bytes[from + 10] === 84 &&
    bytes[from + 13] === 58 &&
    bytes[from + 16] === 58;
  if (
    to - from < 20 ||
    !separators ||
    year < 1 ||
    month < 1 ||
    month > 12 ||
    day < 1 ||
    day > daysInMonth(year, month)
  ) {
    return Number.NaN;
  }
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return Number.NaN;
  const local = dayNumber(year, month, day) * dayMs + ((hour * 60 + minute) * 60 + second) * 1000;
  return local - offsetMs(bytes, from + 19, to);
}

function offsetMs(bytes: Uint8Array, first: number, to: number): number {
  let at = first;
  if (bytes[at] === 46) {
    at += 1;
    while (at < to && bytes[at]! >= 48 && bytes[at]! <= 57) at += 1;
    if (at === first + 1) return Number.NaN;
  }
  if (bytes[at] === 90) return at + 1 === to ? 0 : Number.NaN;
  const minutesAt = bytes[at + 3] === 58 ? at + 4 : at + 3;
  const hours = readDigits(bytes, at + 1, 2);
  const minutes = readDigits(bytes, minutesAt, 2);
  const sign = bytes[at] === 43 ? 1 : bytes[at] === 45 ? -1 : Number.NaN;
  if (minutesAt + 2 !== to || hours < 0 || hours > 18 || minutes < 0 || minutes > 59) return Number.NaN;
  return sign * (hours * 60 + minutes) * 60_000;
}

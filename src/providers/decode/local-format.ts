/** A written local date or time, read from bytes by a format such as `dd-mm-yyyy hh:mi:ss`; compiled once. */
import { formatParts } from '../spec/places.ts';
import { daysInMonth, readDate, readDigits, readTime } from './digits.ts';

export class LocalFormat {
  readonly text: string;
  readonly hasDate: boolean;
  readonly hasTime: boolean;
  readonly #length: number;
  readonly #year: number;
  readonly #month: number;
  readonly #day: number;
  readonly #hour: number;
  readonly #minute: number;
  readonly #second: number;
  /** The year, month and day stand together, and so do hour, minute and second: one read each. */
  readonly #packedDate: boolean;
  readonly #packedTime: boolean;
  /** Offset and byte of what stands between the parts. */
  readonly #literals: readonly (readonly [number, number])[];

  constructor(format: string) {
    const at = (part: string) => format.indexOf(part);
    const [year, month, day, hour, minute, second] = formatParts.map(at) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    this.text = format;
    this.#length = format.length;
    this.#year = year;
    this.#month = month;
    this.#day = day;
    this.#hour = hour;
    this.#minute = minute;
    this.#second = second;
    this.hasDate = year >= 0 && month >= 0 && day >= 0;
    this.hasTime = hour >= 0 && minute >= 0;
    this.#packedDate = format.includes('yyyymmdd');
    this.#packedTime = format.includes('hhmiss');
    const between = formatParts.reduce((text, part) => text.replace(part, '0'.repeat(part.length)), format);
    this.#literals = [...between].flatMap((letter, index) =>
      letter === '0' ? [] : [[index, letter.charCodeAt(0)] as const],
    );
  }

  /** Trailing blanks are passed over. */
  fits(bytes: Uint8Array, from: number, to: number): boolean {
    if (to - from < this.#length) return false;
    for (let index = from + this.#length; index < to; index += 1) if (bytes[index] !== 32) return false;
    if (this.#literals.length === 0) return true;
    return this.#literals.every(([offset, byte]) => bytes[from + offset] === byte);
  }

  /** yyyymmdd as one integer; -1 when it is no day of the calendar. */
  date(bytes: Uint8Array, from: number): number {
    if (this.#packedDate) return readDate(bytes, from + this.#year);
    const year = readDigits(bytes, from + this.#year, 4);
    const month = readDigits(bytes, from + this.#month, 2);
    const day = readDigits(bytes, from + this.#day, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return -1;
    return year * 10_000 + month * 100 + day;
  }

  /** Second of the day; -1 when it is no time. */
  second(bytes: Uint8Array, from: number): number {
    if (this.#packedTime) return readTime(bytes, from + this.#hour);
    const hour = readDigits(bytes, from + this.#hour, 2);
    const minute = readDigits(bytes, from + this.#minute, 2);
    const second = this.#second < 0 ? 0 : readDigits(bytes, from + this.#second, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return -1;
    return hour * 3600 + minute * 60 + second;
  }
}

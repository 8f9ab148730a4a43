/** The billing cycle of a local date: [day d, the next day d), d clamped to the month's end (29 to 31). */
import { daysInMonth, isoDate } from './digits.ts';

/** yyyymmdd of the cycle's first day. */
export function cycleStartOf(date: number, cycleDay: number): number {
  let year = Math.floor(date / 10_000);
  let month = Math.floor(date / 100) % 100;
  if (date % 100 < Math.min(cycleDay, daysInMonth(year, month))) {
    month -= 1;
    if (month === 0) {
      month = 12;
      year -= 1;
    }
  }
  return year * 10_000 + month * 100 + Math.min(cycleDay, daysInMonth(year, month));
}

/** Cycle dates by local date, as ISO text; remembers every date it was asked for. */
export class CycleCalendar {
  readonly #cycleDay: number;
  readonly #byDate = new Map<number, string>();
  readonly #starts = new Map<number, string>();
  #lastDate = -1;
  #lastCycle = '';

  constructor(cycleDay: number) {
    this.#cycleDay = cycleDay;
  }

  of(date: number): string {
    if (date === this.#lastDate) return this.#lastCycle;
    let cycle = this.#byDate.get(date);
    if (cycle === undefined) {
      const start = cycleStartOf(date, this.#cycleDay);
      cycle = this.#starts.get(start) ?? isoDate(start);
      this.#starts.set(start, cycle);
      this.#byDate.set(date, cycle);
    }
    this.#lastDate = date;
    this.#lastCycle = cycle;
    return cycle;
  }
}

/**
 * From a provider's local time to UTC (domain.md section 4.4), with one lookup in a table per hour instead of calendar
 * arithmetic per record.
 *
 * A time in the ambiguous autumn hour is decided by the record's own flag; without one by the order of the lines: first
 * pass (summer time) until the time goes back, then second pass. First-pass times without a flag stay marked `ambiguous`,
 * since nothing proves them; so does everything when the lines are not in order of time (more than one in a hundred goes
 * back). A time that does not exist in spring is moved an hour on and marked `shifted`.
 */
export type DstFlag = 'S' | 'W' | '';

export interface LocalStart {
  /** UTC epoch milliseconds. */
  startMs: number;
  /** What was added to UTC to get the local text: `local - offsetMinutes = UTC`. */
  offsetMinutes: number;
  ambiguous: boolean;
  shifted: boolean;
}

interface Hour {
  /** Offset of the first pass, and of the second when there are two (else the same). */
  readonly first: number;
  readonly second: number;
  readonly gap: boolean;
  /** The zone changes within this hour: every time in it is looked up for itself. */
  readonly mixed: boolean;
}

const cachedHours = 20_000;

export class LocalClock {
  readonly #timeZone: string;
  readonly #hours = new Map<number, Hour>();
  #lastKey = -1;
  #lastHour: Hour | null = null;
  #lastDate = -1;
  #lastStill: Hour | null = null;
  #day = 0;
  #dayMs = localMs(0, 0);
  #lines = 0;
  #disorder = 0;
  #previous = 0;
  #previousAmbiguous = 0;
  #ambiguousHour = -1;
  #secondPass = false;
  /** The answer of `resolve`, filled again at every call. */
  readonly result: LocalStart = { startMs: 0, offsetMinutes: 0, ambiguous: false, shifted: false };

  constructor(timeZone: string) {
    this.#timeZone = timeZone;
  }

  /**
   * `date` is yyyymmdd, `second` the second of that day. `ordered` says whether the line takes part in the file's order of
   * time: corrections and charges do not.
   */
  resolve(date: number, second: number, flag: DstFlag, ordered: boolean): LocalStart {
    const key = date * 100 + ((second / 3600) | 0);
    const known = key === this.#lastKey ? this.#lastHour! : this.#hour(key);
    const hour = known.mixed ? this.#look(date, second) : known;
    const twice = hour.first !== hour.second && !hour.gap;
    const secondPass = this.#passOf(date * 100_000 + second, key, twice, flag, ordered);
    const offset = secondPass ? hour.second : hour.first;
    if (date !== this.#day) {
      this.#day = date;
      this.#dayMs = localMs(date, 0);
    }
    this.result.startMs = this.#dayMs + second * 1000 - offset * 60_000;
    this.result.offsetMinutes = offset;
    this.result.ambiguous = twice && flag === '' && !(secondPass && this.#trusted());
    this.result.shifted = hour.gap;
    return this.result;
  }

  #passOf(local: number, key: number, twice: boolean, flag: DstFlag, ordered: boolean): boolean {
    if (!twice) {
      if (ordered) this.#note(local);
      return false;
    }
    if (key !== this.#ambiguousHour) {
      this.#ambiguousHour = key;
      this.#previousAmbiguous = 0;
      this.#secondPass = false;
    }
    if (ordered) {
      if (local < this.#previous && this.#previous !== this.#previousAmbiguous) this.#disorder += 1;
      if (flag === 'W' || (local < this.#previousAmbiguous && this.#trusted())) this.#secondPass = true;
      this.#previousAmbiguous = local;
      this.#lines += 1;
      this.#previous = local;
    }
    return flag === '' ? this.#secondPass && ordered : flag === 'W';
  }

  #note(local: number): void {
    this.#lines += 1;
    if (local < this.#previous) this.#disorder += 1;
    this.#previous = local;
  }

  #trusted(): boolean {
    return this.#disorder * 100 <= this.#lines;
  }

  #hour(key: number): Hour {
    let hour = this.#hours.get(key);
    if (!hour) {
      hour = this.#makeHour(Math.floor(key / 100), key % 100);
      if (this.#hours.size >= cachedHours) this.#hours.clear();
      this.#hours.set(key, hour);
    }
    this.#lastKey = key;
    this.#lastHour = hour;
    return hour;
  }

  #makeHour(date: number, hour: number): Hour {
    const still = this.#stillDay(date);
    if (still) return still;
    const opening = this.#look(date, hour * 3600);
    const closing = this.#look(date, hour * 3600 + 3599);
    const mixed = opening.first !== closing.first || opening.second !== closing.second || opening.gap !== closing.gap;
    return { ...opening, mixed };
  }

  /** What holds for every hour of a day that has no change of the clock on it or beside it; null for other days. */
  #stillDay(date: number): Hour | null {
    if (date === this.#lastDate) return this.#lastStill;
    const day = new Temporal.PlainDate(Math.floor(date / 10_000), Math.floor(date / 100) % 100, date % 100);
    const before = day.subtract({ days: 1 }).toZonedDateTime(this.#timeZone);
    const change = before.getTimeZoneTransition('next');
    const offset = before.offsetNanoseconds / 6e10;
    const still = change === null || change.epochMilliseconds > before.epochMilliseconds + 4 * 86_400_000;
    this.#lastDate = date;
    this.#lastStill = still ? { first: offset, second: offset, gap: false, mixed: false } : null;
    return this.#lastStill;
  }

  #look(date: number, second: number): Hour {
    const local = new Temporal.PlainDateTime(
      Math.floor(date / 10_000),
      Math.floor(date / 100) % 100,
      date % 100,
      Math.floor(second / 3600),
      Math.floor(second / 60) % 60,
      second % 60,
    );
    const wanted = localMs(date, second);
    const earlier = local.toZonedDateTime(this.#timeZone, { disambiguation: 'earlier' });
    const later = local.toZonedDateTime(this.#timeZone, { disambiguation: 'later' });
    const gap = !later.toPlainDateTime().equals(local);
    const laterOffset = (wanted - later.epochMilliseconds) / 60_000;
    return {
      first: gap ? laterOffset : (wanted - earlier.epochMilliseconds) / 60_000,
      second: laterOffset,
      gap,
      mixed: false,
    };
  }
}

function localMs(date: number, second: number): number {
  const year = Math.floor(date / 10_000);
  const month = Math.floor(date / 100) % 100;
  return (daysFromCivil(year, month, date % 100) * 86_400 + second) * 1000;
}

/** Days since 1970-01-01 of a proleptic Gregorian date; Howard Hinnant's `days_from_civil`. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (
    era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
  );
}

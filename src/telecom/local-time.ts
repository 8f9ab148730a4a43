/**
 * Local time of one zone as a table of its offset changes, built once from Temporal and then pure arithmetic: no Temporal,
 * Intl or allocation per record. "Local milliseconds" are the wall clock read as if it were UTC.
 *
 * An instant outside the table's years is refused with a RangeError (a guessed offset would move money); an unknown zone
 * is refused when the table is built.
 */
import { dayMs } from './civil-date.ts';

/** Summer, winter, or not told: what a provider says about a local time in the hour that the clock repeats. */
export type DstHint = 'S' | 'W' | '';

/** Reused by `toInstant`; copy what you keep. */
export interface LocalInstant {
  utcMs: number;
  /** The local time exists twice and nobody told which: the first one was taken. */
  ambiguous: boolean;
  /** The local time does not exist (clocks go forward): moved on by the length of the gap, 1 h in Europe. */
  shifted: boolean;
}

export interface LocalTime {
  readonly timeZone: string;
  /** Local minus UTC at an instant. */
  offsetMsAt(utcMs: number): number;
  /** First offset change after an instant, UTC ms; the end of the table when there is none. */
  nextTransitionMs(utcMs: number): number;
  toInstant(localMs: number, hint: DstHint): LocalInstant;
  /** First instant after `utcMs` whose local date differs from the date just before it. */
  nextDateChangeMs(utcMs: number): number;
  /** First instant of a local day (day number, see civil-date.ts). */
  startOfDayMs(day: number): number;
}

interface OffsetTable {
  /** Interval i holds from starts[i] (inclusive) to starts[i + 1] (exclusive), UTC ms. */
  readonly starts: Float64Array;
  readonly offsets: Float64Array;
}

/** Reads a zone's offset changes for the years given (last one inclusive). Throws RangeError for an unknown zone. */
export function openLocalTime(timeZone: string, firstYear = 1970, lastYear = 2199): LocalTime {
  const key = `${timeZone} ${firstYear} ${lastYear}`;
  let table = tables.get(key);
  if (table === undefined) {
    table = readOffsets(timeZone, firstYear, lastYear);
    tables.set(key, table);
  }
  return createLocalTime(timeZone, table);
}

/** Reading one takes a millisecond and more, and a page of an API is decoded in ten. Never changed; there are 600 zones. */
const tables = new Map<string, OffsetTable>();

function readOffsets(timeZone: string, firstYear: number, lastYear: number): OffsetTable {
  const endMs = Date.UTC(lastYear + 1, 0, 1);
  const starts = [Date.UTC(firstYear, 0, 1)];
  let at = Temporal.Instant.fromEpochMilliseconds(starts[0]!).toZonedDateTimeISO(timeZone);
  const offsets = [at.offsetNanoseconds / 1e6];
  for (;;) {
    const next = at.getTimeZoneTransition('next');
    if (next === null || next.epochMilliseconds >= endMs) break;
    starts.push(next.epochMilliseconds);
    offsets.push(next.offsetNanoseconds / 1e6);
    at = next;
  }
  starts.push(endMs);
  return { starts: Float64Array.from(starts), offsets: Float64Array.from(offsets) };
}

function createLocalTime(timeZone: string, table: OffsetTable): LocalTime {
  const { starts, offsets } = table;
  const count = offsets.length;
  const result: LocalInstant = { utcMs: 0, ambiguous: false, shifted: false };
  let current = 0;

  /** Interval that contains the instant; the last one found is tried first, since records come in order of time. */
  function seek(utcMs: number): number {
    if (utcMs >= starts[current]! && utcMs < starts[current + 1]!) return current;
    if (!(utcMs >= starts[0]! && utcMs < starts[count]!)) {
      throw new RangeError(`instant ${utcMs} is outside the years known for ${timeZone}; check the record's date`);
    }
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= utcMs) low = middle;
      else high = middle - 1;
    }
    current = low;
    return low;
  }

  /** Last interval whose first local time is not after `localMs`. */
  function seekLocal(localMs: number): number {
    // Offsets are less than a day, so the interval is one of the few around this instant.
    let i = seek(Math.min(Math.max(localMs - offsets[current]!, starts[0]!), starts[count]! - 1));
    while (i + 1 < count && starts[i + 1]! + offsets[i + 1]! <= localMs) i += 1;
    while (i > 0 && starts[i]! + offsets[i]! > localMs) i -= 1;
    return i;
  }

  function toInstant(localMs: number, hint: DstHint): LocalInstant {
    const i = seekLocal(localMs);
    const offset = offsets[i]!;
    const end = starts[i + 1]!;
    const twice = i > 0 && localMs < starts[i]! + offsets[i - 1]!;
    // The repeated hour has summer time first, so "not told" and S take the interval before.
    const chosen = twice && (hint === '' || (hint === 'S') === offsets[i - 1]! > offset) ? offsets[i - 1]! : offset;
    result.utcMs = localMs - chosen;
    result.ambiguous = twice && hint === '';
    result.shifted = localMs >= end + offset;
    if (!(result.utcMs >= starts[0]! && result.utcMs < starts[count]!)) seek(result.utcMs);
    return result;
  }

  function nextDateChangeMs(utcMs: number): number {
    let at = utcMs;
    for (;;) {
      const i = seek(at);
      const day = Math.floor((at + offsets[i]!) / dayMs);
      const midnight = (day + 1) * dayMs - offsets[i]!;
      const end = starts[i + 1]!;
      if (midnight < end) return midnight;
      if (i + 1 >= count || Math.floor((end + offsets[i + 1]!) / dayMs) !== day) return end;
      at = end;
    }
  }

  function startOfDayMs(day: number): number {
    const localMs = day * dayMs;
    const midnight = toInstant(localMs, '');
    // Where clocks skip midnight the day begins at the change itself.
    return midnight.shifted ? starts[seekLocal(localMs) + 1]! : midnight.utcMs;
  }

  return {
    timeZone,
    offsetMsAt: (utcMs) => offsets[seek(utcMs)]!,
    nextTransitionMs: (utcMs) => starts[seek(utcMs) + 1]!,
    toInstant,
    nextDateChangeMs,
    startOfDayMs,
  };
}

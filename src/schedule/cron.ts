/**
 * When a cron line is due, in its time zone, as UTC instants, with Debian's rule for daylight saving. A line without `*` in
 * minute and hour names fixed times: one that the spring switch leaves out runs right after the switch (several of them
 * are one slot), one that the autumn switch repeats runs at its first pass only. A line with a `*` there follows the clock
 * on the wall: what does not exist is left out, what exists twice runs twice.
 */
import { Cron } from 'croner';

/** The cron line or the time zone cannot be used; the message says which. */
export class CronError extends Error {
  override readonly name = 'CronError';
}

export interface CronLine {
  /** The first instant strictly after `after`. Throws CronError when there is none. */
  next(after: Date): Date;
  /** The newest `max` instants in [from, to], oldest first. */
  between(from: Date, to: Date, max: number): Date[];
}

/** Throws CronError for a line without five fields, one that never fires, or an unknown zone. */
export function parseCron(line: string, timeZone: string): CronLine {
  const fields = line.trim().split(/\s+/);
  if (fields.length !== 5) {
    throw new CronError(`cron line ${JSON.stringify(line)} must have five fields: minute hour day month weekday`);
  }
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch (cause) {
    throw new CronError(`time zone ${JSON.stringify(timeZone)} is unknown; use a name such as Europe/Amsterdam`, {
      cause,
    });
  }
  // croner takes a list or a range for a wildcard; fixed times are therefore counted on a clock that never switches
  const isFixed = !/[*?]/.test(`${fields[0]}${fields[1]}`);
  let cron: Cron;
  try {
    cron = new Cron(line, { timezone: isFixed ? 'UTC' : timeZone, paused: true });
  } catch (cause) {
    throw new CronError(`cron line ${JSON.stringify(line)}: ${(cause as Error).message}`, { cause });
  }
  if (cron.nextRun() === null) throw new CronError(`cron line ${JSON.stringify(line)} never fires`);
  return isFixed ? fixedTimes(cron, timeZone) : onTheWall(cron);
}

function onTheWall(cron: Cron): CronLine {
  return {
    next: (after) => nextOf(cron, after),
    between: (from, to, max) => newestBetween(backwards(cron, to), from, to, max),
  };
}

/** No switch turns the clock back by more than this, except at the date line, where no slot of ours is that old. */
const longestRepeatMs = 3 * 3_600_000;

/** `cron` runs on UTC, whose dates here carry the time on the wall. */
function fixedTimes(cron: Cron, timeZone: string): CronLine {
  return {
    next(after) {
      let wall = wallOf(after, timeZone);
      for (;;) {
        wall = nextOf(cron, wall);
        const due = instantOf(wall, timeZone);
        // in the second pass of a repeated hour its times are over
        if (due > after) return due;
      }
    },
    between(from, to, max) {
      // seen from the second pass, times that are later on the wall are over too
      const wall = new Date(wallOf(to, timeZone).getTime() + longestRepeatMs);
      return newestBetween(
        backwards(cron, wall).map((at) => instantOf(at, timeZone)),
        from,
        to,
        max,
      );
    },
  };
}

/** `newestFirst` may name an instant several times in a row. */
function newestBetween(newestFirst: Iterable<Date>, from: Date, to: Date, max: number): Date[] {
  const due: Date[] = [];
  for (const at of newestFirst) {
    if (at < from || due.length === max) break;
    if (at <= to && at.getTime() !== due[0]?.getTime()) due.unshift(at);
  }
  return due;
}

function nextOf(cron: Cron, after: Date): Date {
  const next = cron.nextRun(after);
  if (!next)
    throw new CronError(`cron line ${JSON.stringify(cron.getPattern())} is never due after ${after.toISOString()}`);
  return next;
}

/** Endless, as far as the line reaches back. */
function* backwards(cron: Cron, to: Date): Generator<Date> {
  // croner looks strictly before its reference, and whole seconds are as fine as cron gets
  let before = new Date(Math.floor(to.getTime() / 1_000) * 1_000 + 1_000);
  for (let count = 4; ; count = Math.min(count * 2, 256)) {
    const runs = cron.previousRuns(count, before);
    yield* runs;
    if (runs.length < count) return;
    before = runs.at(-1)!;
  }
}

function wallOf(instant: Date, timeZone: string): Date {
  const zoned = Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(timeZone);
  return new Date(zoned.toPlainDateTime().toZonedDateTime('UTC').epochMilliseconds);
}

function instantOf(wall: Date, timeZone: string): Date {
  const plain = Temporal.Instant.fromEpochMilliseconds(wall.getTime()).toZonedDateTimeISO('UTC').toPlainDateTime();
  const zoned = plain.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  if (zoned.toPlainDateTime().equals(plain)) return new Date(zoned.epochMilliseconds);
  return new Date(zoned.getTimeZoneTransition('next')!.epochMilliseconds);
}

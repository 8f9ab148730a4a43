/**
 * When a cron line is due, in its time zone, as UTC instants. Daylight saving by the Debian rule: a fixed time that the
 * spring switch leaves out runs right after it, one that the autumn switch repeats runs once; lines with `*`, a step or a
 * range in the hour or minute follow the clock on the wall (croner 11, tested in a table).
 */
import { Cron } from 'croner';

/** The cron line or the time zone cannot be used; the message says which. */
export class CronError extends Error {
  override readonly name = 'CronError';
}

/** Throws CronError for a line without five fields, one that never fires, or an unknown zone. */
export function parseCron(line: string, timeZone: string): Cron {
  if (line.trim().split(/\s+/).length !== 5) {
    throw new CronError(`cron line ${JSON.stringify(line)} must have five fields: minute hour day month weekday`);
  }
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch (cause) {
    throw new CronError(`time zone ${JSON.stringify(timeZone)} is unknown; use a name such as Europe/Amsterdam`, {
      cause,
    });
  }
  let cron: Cron;
  try {
    cron = new Cron(line, { timezone: timeZone, paused: true });
  } catch (cause) {
    throw new CronError(`cron line ${JSON.stringify(line)}: ${(cause as Error).message}`, { cause });
  }
  if (cron.nextRun() === null) throw new CronError(`cron line ${JSON.stringify(line)} never fires`);
  return cron;
}

/** The first instant strictly after `after`. Throws CronError when there is none. */
export function nextDue(cron: Cron, after: Date): Date {
  const next = cron.nextRun(after);
  if (!next)
    throw new CronError(`cron line ${JSON.stringify(cron.getPattern())} is never due after ${after.toISOString()}`);
  return next;
}

/** The newest `max` instants in [from, to], oldest first. */
export function dueBetween(cron: Cron, from: Date, to: Date, max: number): Date[] {
  // croner looks strictly before its reference, and whole seconds are as fine as cron gets
  const after = new Date(Math.floor(to.getTime() / 1_000) * 1_000 + 1_000);
  const newestFirst = cron.previousRuns(max, after);
  return newestFirst.filter((due) => due >= from && due <= to).reverse();
}

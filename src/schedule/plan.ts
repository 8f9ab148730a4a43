/**
 * The plan of a schedule: a cron line in its time zone, or a period. A period counts from slot to slot, never from when
 * somebody looked, so it does not drift; clock changes are nothing to it.
 */
import { CronError, parseCron } from './cron.ts';

/** Exactly one of `cron` and `everyMs`. */
export interface PlanInput {
  /** Five fields. */
  readonly cron?: string | null;
  /** Default Europe/Amsterdam; of cron lines only. */
  readonly timeZone?: string;
  /** From 1,000 (the scheduler looks once a second) to 366 days. */
  readonly everyMs?: number | null;
}

export interface Plan {
  /** The next slot after everything that is due at `now`; `due` is the stored one. */
  next(due: Date, now: Date): Date;
  /** The newest `max` slots from the stored one to `now`, oldest first. The stored instant is always one. */
  due(due: Date, now: Date, max: number): Date[];
}

const shortestMs = 1_000;
const longestMs = 366 * 86_400_000;

/** Throws CronError when neither or both are given, or what is given is not right. */
export function parsePlan(schedule: string, { cron, timeZone = 'Europe/Amsterdam', everyMs }: PlanInput): Plan {
  if ((cron == null) === (everyMs == null)) {
    throw new CronError(`schedule ${schedule} needs a cron line or everyMs, one of the two`);
  }
  if (everyMs != null) return period(schedule, everyMs);
  const line = parseCron(cron!, timeZone);
  return {
    next: (_due, now) => line.next(now),
    due(due, now, max) {
      const slots = line.between(due, now, max);
      // somebody may have moved it to an instant that the line does not name
      if (slots.length < max && slots[0]?.getTime() !== due.getTime()) slots.unshift(due);
      return slots;
    },
  };
}

function period(schedule: string, everyMs: number): Plan {
  if (!Number.isInteger(everyMs) || everyMs < shortestMs || everyMs > longestMs) {
    throw new CronError(
      `schedule ${schedule}: everyMs is ${everyMs}; it must be a whole number from ${shortestMs} to ${longestMs}`,
    );
  }
  /** How many slots from the stored one on are due. */
  const countDue = (due: Date, now: Date) => Math.max(0, Math.floor((now.getTime() - due.getTime()) / everyMs) + 1);
  const slot = (due: Date, index: number) => new Date(due.getTime() + index * everyMs);
  return {
    next: (due, now) => slot(due, countDue(due, now)),
    due(due, now, max) {
      const count = countDue(due, now);
      const first = Math.max(0, count - max);
      return Array.from({ length: count - first }, (_, index) => slot(due, first + index));
    },
  };
}

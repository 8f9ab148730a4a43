/** Schedules as rows: what is to be run when. Rows decide who fires (see fire.ts); there is no leader. */
import type { Json } from '../chains/define.ts';
import { serialise } from '../chains/payload.ts';
import type { Database, Row, Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { type Plan, type PlanInput, parsePlan } from './plan.ts';

/** With a `cron` line or `everyMs`, one of the two. */
export interface ScheduleInput extends PlanInput {
  /** 1 to 63 of A-Z a-z 0-9 : . _ - */
  readonly name: string;
  /** Name of the chain that every firing enqueues. */
  readonly chain: string;
  readonly input?: Json;
  /** What happens to slots that were missed: none is run, the last one, or all up to `catchUpMax`. Default last. */
  readonly catchUp?: 'none' | 'last' | 'all';
  /** Default 12. */
  readonly catchUpMax?: number;
  /**
   * While a chain of the schedule is open, its next slot is skipped (default), waits (at most one, then skipped), or starts
   * beside it. A chain that is dead or quarantined waits for a person and holds nothing up.
   */
  readonly overlap?: 'skip' | 'queueOne' | 'allow';
}

export const scheduleNamePattern = /^[A-Za-z0-9][A-Za-z0-9:._-]{0,62}$/;

/**
 * Creates the schedule or changes it to this. `next_due_at` is kept unless the plan changed, so that a deployment neither
 * loses nor repeats a slot; `enabled` is kept always: what a person switched off stays off. A new period is first due one
 * period from now. Throws CronError, InputError or PayloadError before anything is written.
 */
export async function ensureSchedule(tx: Pick<Tx, 'query'>, schedule: ScheduleInput): Promise<void> {
  const { name, cron = null, everyMs = null, timeZone = 'Europe/Amsterdam', catchUpMax = 12 } = schedule;
  if (!scheduleNamePattern.test(name)) {
    throw new InputError(`schedule name ${JSON.stringify(name)} must be 1 to 63 of A-Z a-z 0-9 : . _ -`);
  }
  const plan = parsePlan(name, { cron, everyMs, timeZone });
  if (!Number.isInteger(catchUpMax) || catchUpMax < 1 || catchUpMax > 1_000) {
    throw new InputError(`schedule ${name}: catchUpMax is ${catchUpMax}; it must be a whole number from 1 to 1,000`);
  }
  const input = serialise(schedule.input ?? {}, `input of schedule ${name}`);
  const [{ now }] = (await tx.query<{ now: Date }>('select now() as now')) as [{ now: Date }];
  await tx.query(upsert, [
    name,
    cron,
    everyMs,
    timeZone,
    schedule.chain,
    input,
    schedule.catchUp ?? 'last',
    catchUpMax,
    schedule.overlap ?? 'skip',
    plan.next(now, now),
  ]);
}

/**
 * Switches a schedule on or off. Off, a slot that waits is skipped; on again, slots of the time it was off are not made up
 * for. False: no such schedule. Throws CronError when its stored line cannot be used.
 */
export async function enableSchedule(database: Database, name: string, enabled: boolean): Promise<boolean> {
  return database.transaction(async (tx) => {
    const [row] = await tx.query(lockSchedule, [name]);
    if (!row) return false;
    if (!enabled) await tx.query(skipQueued, [name, 'the schedule was switched off while it waited']);
    const next = enabled && !row.enabled ? planOf(row).next(row.next_due_at, row.now) : row.next_due_at;
    await tx.query(setEnabled, [name, enabled, next]);
    return true;
  });
}

/** The plan of a row of the table. Throws CronError when it was changed to what cannot be used. */
export function planOf(row: Row): Plan {
  const everyMs = row.every_ms === null ? null : Number(row.every_ms);
  return parsePlan(row.name, { cron: row.cron, timeZone: row.time_zone, everyMs });
}

const upsert = `
  insert into schedule as s
    (name, cron, every_ms, time_zone, chain, input, catch_up, catch_up_max, overlap, next_due_at)
  values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10)
  on conflict (name) do update
  set cron = excluded.cron, every_ms = excluded.every_ms, time_zone = excluded.time_zone, chain = excluded.chain,
      input = excluded.input, catch_up = excluded.catch_up, catch_up_max = excluded.catch_up_max,
      overlap = excluded.overlap,
      next_due_at = case when (s.cron, s.every_ms, s.time_zone)
                    is not distinct from (excluded.cron, excluded.every_ms, excluded.time_zone)
                    then s.next_due_at else excluded.next_due_at end`;

const lockSchedule = 'select *, now() as now from schedule where name = $1 for update';

const skipQueued = `
  update schedule_slot set result = 'skipped', reason = $2, at = now() where schedule = $1 and result = 'queued'`;

const setEnabled = `
  update schedule
  set enabled = $2, next_due_at = $3, last_error = null, failing_since = null
  where name = $1`;

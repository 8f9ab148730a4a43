/** Schedules as rows: what is to be run when. Rows decide who fires (see fire.ts); there is no leader. */
import type { Json } from '../chains/define.ts';
import { serialise } from '../chains/payload.ts';
import type { Database, Tx } from '../database/session.ts';
import { nextDue, parseCron } from './cron.ts';

export interface ScheduleInput {
  readonly name: string;
  /** Five fields. */
  readonly cron: string;
  /** Default Europe/Amsterdam. */
  readonly timeZone?: string;
  /** Name of the chain that every firing enqueues. */
  readonly chain: string;
  readonly input?: Json;
  /** What happens to slots that were missed: none is run, the last one, or all up to `catchUpMax`. Default last. */
  readonly catchUp?: 'none' | 'last' | 'all';
  /** Default 12. */
  readonly catchUpMax?: number;
  /** skip: not while the chain of the last firing is open (recorded in the slot). Default skip. */
  readonly overlap?: 'skip' | 'allow';
}

/**
 * Creates the schedule or changes it to this. `next_due_at` is kept unless cron line or time zone changed, so that a
 * deployment neither loses nor repeats a slot; `enabled` is kept always: what a person switched off stays off.
 * Throws CronError before anything is written.
 */
export async function ensureSchedule(tx: Pick<Tx, 'query'>, schedule: ScheduleInput): Promise<void> {
  const timeZone = schedule.timeZone ?? 'Europe/Amsterdam';
  const cron = parseCron(schedule.cron, timeZone);
  const catchUpMax = schedule.catchUpMax ?? 12;
  if (!Number.isInteger(catchUpMax) || catchUpMax < 1 || catchUpMax > 1_000) {
    throw new RangeError(
      `schedule ${schedule.name}: catchUpMax is ${catchUpMax}; it must be a whole number from 1 to 1,000`,
    );
  }
  const input = serialise(schedule.input ?? {}, `input of schedule ${schedule.name}`);
  const [{ now }] = (await tx.query<{ now: Date }>('select now() as now')) as [{ now: Date }];
  await tx.query(upsert, [
    schedule.name,
    schedule.cron,
    timeZone,
    schedule.chain,
    input,
    schedule.catchUp ?? 'last',
    catchUpMax,
    schedule.overlap ?? 'skip',
    nextDue(cron, now),
  ]);
}

/** Switches a schedule on or off. On again, slots of the time it was off are not made up for. False: no such schedule. */
export async function enableSchedule(database: Database, name: string, enabled: boolean): Promise<boolean> {
  return database.transaction(async (tx) => {
    const [row] = await tx.query(lockSchedule, [name]);
    if (!row) return false;
    const next = enabled && !row.enabled ? nextDue(parseCron(row.cron, row.time_zone), row.now) : row.next_due_at;
    await tx.query('update schedule set enabled = $2, next_due_at = $3 where name = $1', [name, enabled, next]);
    return true;
  });
}

export interface LateSchedule {
  readonly name: string;
  readonly dueAt: Date;
  readonly lateMs: number;
}

/** Schedules that have not fired although they were due `graceMs` ago (default 60,000). For an alert. */
export async function lateSchedules(session: Pick<Tx, 'query'>, graceMs = 60_000): Promise<LateSchedule[]> {
  return session.query(late, [graceMs]) as Promise<LateSchedule[]>;
}

const upsert = `
  insert into schedule as s (name, cron, time_zone, chain, input, catch_up, catch_up_max, overlap, next_due_at)
  values ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9)
  on conflict (name) do update
  set cron = excluded.cron, time_zone = excluded.time_zone, chain = excluded.chain, input = excluded.input,
      catch_up = excluded.catch_up, catch_up_max = excluded.catch_up_max, overlap = excluded.overlap,
      next_due_at = case when s.cron = excluded.cron and s.time_zone = excluded.time_zone
                    then s.next_due_at else excluded.next_due_at end`;

const lockSchedule = 'select *, now() as now from schedule where name = $1 for update';

const late = `
  select name, next_due_at as "dueAt", (extract(epoch from now() - next_due_at) * 1000)::float8 as "lateMs"
  from schedule
  where enabled and next_due_at < now() - make_interval(secs => $1::float8 / 1000)
  order by next_due_at`;

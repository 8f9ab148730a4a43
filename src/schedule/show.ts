/** Schedules for a person to read. */
import type { Database, Row } from '../database/session.ts';
import { CronError } from './cron.ts';
import { planOf } from './schedule.ts';

export interface ScheduleRow {
  readonly name: string;
  readonly cron: string | null;
  readonly timeZone: string;
  readonly everyMs: number | null;
  readonly chain: string;
  readonly catchUp: 'none' | 'last' | 'all';
  readonly catchUpMax: number;
  readonly overlap: 'skip' | 'queueOne' | 'allow';
  readonly enabled: boolean;
  readonly nextDueAt: Date;
  readonly lastFiredAt: Date | null;
  /** Why it cannot fire, and since when. */
  readonly error: string | null;
  readonly failingSince: Date | null;
}

export interface SlotRow {
  readonly dueAt: Date;
  /** When it got its answer. */
  readonly at: Date;
  readonly result: 'fired' | 'skipped' | 'queued';
  readonly reason: string | null;
  readonly chainId: string | null;
  /** Who asked for it beside the plan. */
  readonly requestedBy: string | null;
}

export interface ScheduleDetail extends ScheduleRow {
  readonly input: unknown;
  /** Of the plan, the stored one first; empty when it is switched off or its line cannot be used. */
  readonly upcoming: readonly Date[];
  /** The newest first. */
  readonly slots: readonly SlotRow[];
}

export async function listSchedules(database: Pick<Database, 'query'>): Promise<ScheduleRow[]> {
  const rows = await database.query(`select ${columns} from schedule order by name`);
  return rows.map(scheduleRow);
}

/** With its next five and its last `slots` slots. Null: no such schedule. */
export async function showSchedule(
  database: Pick<Database, 'query'>,
  name: string,
  slots = 20,
): Promise<ScheduleDetail | null> {
  const [row] = await database.query(`select ${columns}, input, next_due_at, time_zone from schedule where name = $1`, [
    name,
  ]);
  if (!row) return null;
  const latest = await database.query<SlotRow & Row>(readSlots, [name, slots]);
  return { ...scheduleRow(row), input: row.input, upcoming: row.enabled ? upcomingOf(row, 5) : [], slots: latest };
}

function scheduleRow({ input: _, next_due_at: __, time_zone: ___, every_ms: everyMs, ...row }: Row): ScheduleRow {
  return { ...row, everyMs: everyMs === null ? null : Number(everyMs) } as ScheduleRow;
}

function upcomingOf(row: Row, count: number): Date[] {
  try {
    const plan = planOf(row);
    const dates = [row.next_due_at as Date];
    while (dates.length < count) dates.push(plan.next(dates.at(-1)!, dates.at(-1)!));
    return dates;
  } catch (error) {
    if (error instanceof CronError) return [];
    throw error;
  }
}

const columns = `
  name, cron, time_zone as "timeZone", every_ms, chain, catch_up as "catchUp", catch_up_max as "catchUpMax", overlap,
  enabled, next_due_at as "nextDueAt", last_fired_at as "lastFiredAt", last_error as "error",
  failing_since as "failingSince"`;

const readSlots = `
  select due_at as "dueAt", at, result, reason, chain_id as "chainId", requested_by as "requestedBy"
  from schedule_slot where schedule = $1 order by due_at desc limit $2`;

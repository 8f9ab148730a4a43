/** Schedules that have not fired in time, with what keeps them from it when that is known. For an alert. */
import type { Tx } from '../database/session.ts';

export interface LateSchedule {
  readonly name: string;
  readonly dueAt: Date;
  readonly lateMs: number;
  /** Why its last try failed. Null: nobody tried, or another session holds its row. */
  readonly error: string | null;
}

/** Those that were due `graceMs` ago (default 60,000), and those whose waiting slot could have fired so long ago. */
export async function lateSchedules(session: Pick<Tx, 'query'>, graceMs = 60_000): Promise<LateSchedule[]> {
  return session.query(late, [graceMs]) as Promise<LateSchedule[]>;
}

/** A slot that waits is late when firing it has failed for so long: while its schedule's chain runs, it is not. */
const late = `
  with late as (
    select s.name, s.last_error, least(s.next_due_at, case when q.schedule is not null then s.failing_since end) as due
    from schedule s
    left join schedule_slot q on q.schedule = s.name and q.result = 'queued'
    where s.enabled
  )
  select name, due as "dueAt", (extract(epoch from now() - due) * 1000)::float8 as "lateMs", last_error as "error"
  from late
  where due < now() - make_interval(secs => $1::float8 / 1000)
  order by due`;

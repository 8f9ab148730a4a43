/** The `alert` table: one open row per rule and subject. The database's clock decides what is due. */
import type { Database } from '../database/session.ts';
import type { AlertInput } from './alerts.ts';

/** An alert as lists and channels show it. */
export interface AlertRow {
  readonly id: string;
  readonly rule: string;
  readonly subject: string;
  readonly level: AlertInput['level'];
  readonly message: string;
  readonly detail: Record<string, unknown>;
  readonly state: 'open' | 'resolved';
  readonly occurrences: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly resolvedAt: Date | null;
  readonly notifiedAt: Date | null;
}

/** A query of one statement; the pool and a transaction both are one. */
export type Session = Pick<Database, 'query'>;

const columns = `id::text as id, rule, subject, level, message, detail, state, occurrences, first_at as "firstAt",
  last_at as "lastAt", resolved_at as "resolvedAt", notified_at as "notifiedAt"`;

// an alert that gets worse is told again at once, and so is one without reminders that is of something else now; its level never
// falls while it is open
const raiseSql = `
insert into alert as a (rule, subject, level, message, detail, occurrences, remind)
values ($1, $2, $3, $4, $5, $6, not $7)
on conflict (rule, subject) where state = 'open' do update set
  level = case when severity.worse then excluded.level else a.level end,
  notified_at = case when severity.worse or (not excluded.remind and a.detail <> excluded.detail) then null else a.notified_at end,
  remind = excluded.remind, message = excluded.message, detail = excluded.detail,
  occurrences = a.occurrences + excluded.occurrences, last_at = now()`.replaceAll(
  'severity.worse',
  `(array_position('{info,warning,critical}'::text[], excluded.level) > array_position('{info,warning,critical}'::text[], a.level))`,
);

const resolveSql = `
update alert set state = 'resolved', resolved_at = now()
where rule = $1 and subject = $2 and state = 'open'
returning ${columns}`;

// an info is told once, as is what is not to be reminded of; the others are repeated while they are open; a claim whose teller
// died lapses after a minute
const claimDueSql = `
update alert set notify_claimed_at = now()
where id in (
  select id from alert
  where state = 'open'
    and (notified_at is null or (remind and level <> 'info' and notified_at <= now() - $1 * interval '1 millisecond'))
    and (notify_claimed_at is null or notify_claimed_at <= now() - interval '1 minute')
  order by id limit 100
  for update skip locked)
returning ${columns}`;

const toldSql = 'update alert set notified_at = now(), notify_claimed_at = null where id = $1';
const toldEpisodeSql = 'update alert set notified_at = now(), notify_claimed_at = null where spool_id = $1';

// what was resolved in a transaction of its own (src/alert-rules): its end is told by whoever finds it
const claimTakenBackSql = `
update alert set notify_claimed_at = now()
where id in (
  select id from alert
  where take_back and state = 'resolved'
    and (notify_claimed_at is null or notify_claimed_at <= now() - interval '1 minute')
  order by id limit 100
  for update skip locked)
returning ${columns}`;
const takenBackSql = 'update alert set take_back = false, notify_claimed_at = null where id = $1';

const listSql = `
select ${columns} from alert
where ($1::text is null or state = $1)
order by state = 'open' desc, last_at desc, id desc limit $2`;

export async function raiseRow(session: Session, alert: AlertInput, count: number): Promise<void> {
  const { rule, subject, level, message, detail, once } = alert;
  await session.query(raiseSql, [rule, subject, level, message, JSON.stringify(detail ?? {}), count, once ?? false]);
}

/** The row it closed, or null when none was open. */
export async function resolveRow(session: Session, rule: string, subject: string): Promise<AlertRow | null> {
  return (await session.query<AlertRow>(resolveSql, [rule, subject]))[0] ?? null;
}

/** Open alerts that have to be told now, at most 100, oldest first; nobody else gets them for a minute. */
export async function claimDue(session: Session, reminderMs: number): Promise<AlertRow[]> {
  const rows = await session.query<AlertRow>(claimDueSql, [reminderMs]);
  return rows.sort((a, b) => Number(a.id) - Number(b.id));
}

export async function markTold(session: Session, id: string): Promise<void> {
  await session.query(toldSql, [id]);
}

/** Resolved alerts whose end has to be told, at most 100; nobody else gets them for a minute. */
export function claimTakenBack(session: Session): Promise<AlertRow[]> {
  return session.query<AlertRow>(claimTakenBackSql);
}

export async function markTakenBack(session: Session, id: string): Promise<void> {
  await session.query(takenBackSql, [id]);
}

/** As `markTold`, for one that was kept in the state directory when its telling began. */
export async function markToldEpisode(session: Session, spoolId: string): Promise<void> {
  await session.query(toldEpisodeSql, [spoolId]);
}

/** Open ones first, then the latest. */
export function listRows(session: Session, state: 'open' | 'resolved' | null, limit: number): Promise<AlertRow[]> {
  return session.query<AlertRow>(listSql, [state, limit]);
}

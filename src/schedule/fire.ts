/**
 * Fires what is due. Every node calls this as often as it likes: the row lock decides who fires a schedule, and slots,
 * chains and the new `next_due_at` commit together, so no slot is doubled or missed. `unique (schedule, due_at)` is the
 * belt. Only the database's clock decides. One schedule that cannot fire (its chain refuses its input) is told in the
 * result and in its row, and holds up no other; it stays due, and `lateSchedules` shows it with the error.
 *
 * Connection errors and a busy pool are thrown: the caller waits for the database and calls again.
 */
import type { Enqueue } from '../chains/enqueue.ts';
import { cleanText } from '../chains/payload.ts';
import { type Database, isConnectionError, PoolBusyError, type Row, type Tx } from '../database/session.ts';
import { maskText } from '../log/mask.ts';
import { planOf } from './schedule.ts';
import {
  answer,
  fireQueued,
  hasOpenChain,
  insertSlots,
  readStanding,
  recordedOf,
  type Slot,
  standingAfter,
} from './slots.ts';

export interface Fired {
  readonly slots: readonly Slot[];
  /** `isNew`: no node has told this error of this schedule yet. */
  readonly errors: readonly { readonly schedule: string; readonly error: Error; readonly isNew: boolean }[];
}

/** Of an outage's missed slots so many are recorded, the newest; older ones leave no row. */
const recordedSlots = 1_000;

/** Chain ids of the fired slots are to be published by the caller; the sweep finds them anyway. */
export async function fireDue(database: Database, { enqueue }: { readonly enqueue: Enqueue }): Promise<Fired> {
  const slots: Slot[] = [];
  const errors: { schedule: string; error: Error; isNew: boolean }[] = [];
  for (const { name } of await database.query<{ name: string }>(dueNames)) {
    try {
      slots.push(...(await database.transaction((tx) => fireOne(tx, name, enqueue))));
    } catch (error) {
      if (isConnectionError(error) || error instanceof PoolBusyError) throw error;
      const message = maskText(cleanText((error as Error).message, 500));
      const noted = await database.query(noteError, [name, message]);
      errors.push({ schedule: name, error: error as Error, isNew: noted.length > 0 });
    }
  }
  return { slots, errors };
}

async function fireOne(tx: Tx, name: string, enqueue: Enqueue): Promise<Slot[]> {
  const [schedule] = await tx.query(lockEnabled, [name]);
  if (!schedule) return []; // another node has it
  let standing = await readStanding(tx, name);
  const slots: Slot[] = [];
  if (standing.queuedAt !== null && (schedule.overlap === 'allow' || standing.openChain === null)) {
    const slot = await fireQueued(tx, schedule, standing.queuedAt, enqueue);
    slots.push(slot);
    standing = { openChain: slot.chainId, queuedAt: null };
  }
  const { next_due_at: stored, now } = schedule as { next_due_at: Date; now: Date };
  const plan = planOf(schedule);
  const due = stored <= now ? plan.due(stored, now, recordedSlots) : []; // another node may have had it a moment ago
  const recorded = await recordedOf(tx, name, due);
  const toRun = caughtUp(due, schedule);
  const planned: Slot[] = [];
  for (const dueAt of due) {
    if (recorded.has(dueAt.getTime())) continue; // somebody set next_due_at back: a slot has one answer
    const slot: Slot = toRun.has(dueAt)
      ? await answer(tx, schedule, dueAt, standing, enqueue)
      : { schedule: name, dueAt, result: 'skipped', reason: missed(schedule), chainId: null };
    standing = standingAfter(standing, slot);
    planned.push(slot);
  }
  await insertSlots(tx, planned);
  slots.push(...planned);
  if (due.length > 0 || slots.length > 0) {
    const fired = slots.some((slot) => slot.result === 'fired');
    await tx.query(moveOn, [name, due.length > 0 ? plan.next(stored, now) : stored, fired]);
  }
  return slots;
}

/** The slots that catch-up lets run. A slot that is due no longer ago than a minute was not missed. */
function caughtUp(due: readonly Date[], schedule: Row): Set<Date> {
  const last = due.at(-1);
  if (!last) return new Set();
  switch (schedule.catch_up as 'none' | 'last' | 'all') {
    case 'all':
      return new Set(due.slice(-schedule.catch_up_max));
    case 'last':
      return new Set([last]);
    case 'none':
      return new Set(schedule.now.getTime() - last.getTime() < 60_000 ? [last] : []);
  }
}

function missed({ catch_up: catchUp, catch_up_max: max }: Row): string {
  return `missed, and catch-up is ${catchUp}${catchUp === 'all' ? ` of at most ${max}` : ''}`;
}

const dueNames = `
  select s.name from schedule s
  where s.enabled
    and (s.next_due_at <= now()
         or (exists (select from schedule_slot q where q.schedule = s.name and q.result = 'queued')
             and (s.overlap = 'allow' or not ${hasOpenChain('s.name')})))
  order by s.next_due_at`;

const lockEnabled = 'select *, now() as now from schedule where name = $1 and enabled for update skip locked';

const moveOn = `
  update schedule
  set next_due_at = $2, last_fired_at = case when $3 then now() else last_fired_at end,
      last_error = null, failing_since = null
  where name = $1`;

/** Only while it is still to be fired: another node may have done it meanwhile. */
const noteError = `
  update schedule s set last_error = $2, failing_since = coalesce(failing_since, now())
  where name = $1 and last_error is distinct from $2
    and (next_due_at <= now()
         or exists (select from schedule_slot q where q.schedule = s.name and q.result = 'queued'))
  returning name`;

/** A slot now, because a person asks for it, beside the plan: the next planned slot stays where it is. */
import type { Enqueue } from '../chains/enqueue.ts';
import type { Database } from '../database/session.ts';
import { answer, insertSlots, readStanding, type Slot } from './slots.ts';

/** The schedule's overlap does not let another chain start now; the message says which one is open. */
export class ScheduleBusyError extends Error {
  override readonly name = 'ScheduleBusyError';
}

/**
 * Fires the schedule, also one that is switched off; with overlap queueOne it may answer with a slot that waits. Resolves to
 * null when there is no such schedule. Throws `ScheduleBusyError`, and what `enqueue` throws.
 */
export async function runNow(database: Database, enqueue: Enqueue, name: string, by: string): Promise<Slot | null> {
  return database.transaction(async (tx) => {
    const [schedule] = await tx.query(lockSchedule, [name]);
    if (!schedule) return null;
    const standing = await readStanding(tx, name);
    const [free] = await tx.query<{ due_at: Date }>(freeInstant, [name, schedule.now]);
    const slot = await answer(tx, schedule, free!.due_at, standing, enqueue, by);
    if (slot.result === 'skipped' || (slot.result === 'queued' && !schedule.enabled)) {
      throw new ScheduleBusyError(`${slot.reason}, and the overlap of schedule ${name} is ${schedule.overlap}`);
    }
    await insertSlots(tx, [slot], by);
    if (slot.result === 'fired') await tx.query('update schedule set last_fired_at = now() where name = $1', [name]);
    return slot;
  });
}

const lockSchedule = 'select *, now() as now from schedule where name = $1 for update';

/** A planned slot of this very millisecond keeps its answer. */
const freeInstant = `
  select coalesce(max(due_at) + interval '1 millisecond', $2::timestamptz) as due_at
  from schedule_slot where schedule = $1 and due_at >= $2::timestamptz`;

/**
 * Fires what is due. Every node calls this as often as it likes: the row lock decides who fires a schedule, and slots,
 * chains and the new `next_due_at` commit together, so no slot is doubled or missed. `unique (schedule, due_at)` is the
 * belt. Only the database's clock decides. One schedule that cannot fire (its chain refuses its input) is told in the
 * result and holds up no other; it stays due, and `lateSchedules` shows it.
 *
 * Connection errors are thrown: the caller waits for the database and calls again.
 */
import { makeTraceparent } from '../../otel/traceparent.ts';
import type { Enqueue } from '../chains/enqueue.ts';
import { type Database, isConnectionError, type Row, type Tx } from '../database/session.ts';
import { dueBetween, nextDue, parseCron } from './cron.ts';

export interface Slot {
  readonly schedule: string;
  readonly dueAt: Date;
  readonly result: 'fired' | 'skipped';
  readonly reason: string | null;
  readonly chainId: string | null;
}

export interface Fired {
  readonly slots: readonly Slot[];
  readonly errors: readonly { readonly schedule: string; readonly error: Error }[];
}

/** Of an outage's missed slots so many are recorded, the newest; older ones leave no row. */
const recordedSlots = 1_000;

/** Chain ids of the fired slots are to be published by the caller; the sweep finds them anyway. */
export async function fireDue(database: Database, { enqueue }: { readonly enqueue: Enqueue }): Promise<Fired> {
  const slots: Slot[] = [];
  const errors: { schedule: string; error: Error }[] = [];
  for (const { name } of await database.query<{ name: string }>(dueNames)) {
    try {
      slots.push(...(await database.transaction((tx) => fireOne(tx, name, enqueue))));
    } catch (error) {
      if (isConnectionError(error)) throw error;
      errors.push({ schedule: name, error: error as Error });
    }
  }
  return { slots, errors };
}

async function fireOne(tx: Tx, name: string, enqueue: Enqueue): Promise<Slot[]> {
  const [schedule] = await tx.query(lockDue, [name]);
  if (!schedule) return []; // another node has it, or had it a moment ago
  const cron = parseCron(schedule.cron, schedule.time_zone);
  const due = dueBetween(cron, schedule.next_due_at, schedule.now, recordedSlots);
  // the stored instant is a slot even when the line does not name it: somebody moved it to run the schedule now
  if (due.length < recordedSlots && due[0]?.getTime() !== schedule.next_due_at.getTime()) {
    due.unshift(schedule.next_due_at);
  }
  const toRun = newest(due, schedule);
  const recorded = await recordedOf(tx, name, due);
  const slots: Slot[] = [];
  let openChain: string | null = schedule.overlap === 'skip' ? schedule.open_chain : null;
  for (const dueAt of due) {
    if (recorded.has(dueAt.getTime())) continue; // somebody set next_due_at back: a slot has one answer
    const slot: Slot = toRun.has(dueAt)
      ? await fireSlot(tx, schedule, dueAt, openChain, enqueue)
      : skipped(name, dueAt, `missed, and catch-up is ${schedule.catch_up}`);
    if (slot.chainId && schedule.overlap === 'skip') openChain = slot.chainId;
    await tx.query(insertSlot, [name, dueAt, slot.result, slot.reason, slot.chainId]);
    slots.push(slot);
  }
  const fired = slots.some((slot) => slot.result === 'fired');
  await tx.query(moveOn, [name, nextDue(cron, schedule.now), fired]);
  return slots;
}

async function recordedOf(tx: Tx, name: string, due: readonly Date[]): Promise<Set<number>> {
  const rows = await tx.query<{ due_at: Date }>(readRecorded, [name, due]);
  return new Set(rows.map((row) => row.due_at.getTime()));
}

/** The slots that catch-up lets run. A slot that is due no longer ago than a minute was not missed. */
function newest(due: readonly Date[], schedule: Row): Set<Date> {
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

async function fireSlot(tx: Tx, schedule: Row, dueAt: Date, openChain: string | null, enqueue: Enqueue): Promise<Slot> {
  if (openChain !== null) return skipped(schedule.name, dueAt, `chain ${openChain} of an earlier slot is still open`);
  const { chainId } = await enqueue(tx, schedule.chain as string, schedule.input, {
    subject: `schedule ${schedule.name}`,
    traceparent: makeTraceparent(),
    requestedBy: `schedule ${schedule.name}`,
    unknown: 'block',
  });
  return { schedule: schedule.name, dueAt, result: 'fired', reason: null, chainId };
}

function skipped(schedule: string, dueAt: Date, reason: string): Slot {
  return { schedule, dueAt, result: 'skipped', reason, chainId: null };
}

const dueNames = 'select name from schedule where enabled and next_due_at <= now() order by next_due_at';

/** A chain that waits for a person (dead, quarantined) does not hold its schedule up; it shouts on its own. */
const lockDue = `
  select s.*, now() as now,
         (select c.id from chain c
          where c.id = (select l.chain_id from schedule_slot l
                        where l.schedule = s.name and l.result = 'fired' order by l.due_at desc limit 1)
            and c.state not in ('succeeded', 'failed', 'cancelled', 'dead', 'quarantined')) as open_chain
  from schedule s
  where s.name = $1 and s.enabled and s.next_due_at <= now()
  for update of s skip locked`;

const readRecorded = 'select due_at from schedule_slot where schedule = $1 and due_at = any ($2::timestamptz[])';

const insertSlot = `
  insert into schedule_slot (schedule, due_at, result, reason, chain_id) values ($1, $2, $3, $4, $5)`;

const moveOn = `
  update schedule
  set next_due_at = $2, last_fired_at = case when $3 then now() else last_fired_at end
  where name = $1`;

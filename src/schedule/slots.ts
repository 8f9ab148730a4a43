/**
 * The slots of a schedule: what was decided for each instant at which it was due. Each has one row, so one answer. All of
 * this runs in a transaction that holds the schedule's row.
 */
import { makeTraceparent } from '../../otel/traceparent.ts';
import type { Enqueue } from '../chains/enqueue.ts';
import type { Row, Tx } from '../database/session.ts';

export interface Slot {
  readonly schedule: string;
  readonly dueAt: Date;
  /** queued: fired as soon as no chain of the schedule is open. */
  readonly result: 'fired' | 'skipped' | 'queued';
  readonly reason: string | null;
  readonly chainId: string | null;
}

/** What the next slot has to look at. */
export interface Standing {
  /** The newest chain of the schedule that moves or waits by itself. */
  readonly openChain: string | null;
  /** The slot that waits. */
  readonly queuedAt: Date | null;
}

/** To be read after the lock, by statements of their own: those before it may not see what the last holder wrote. */
export async function readStanding(tx: Tx, schedule: string): Promise<Standing> {
  await tx.query(forgetEnded, [schedule]);
  const [open] = await tx.query<{ chain_id: string }>(newestOpen, [schedule]);
  const [queued] = await tx.query<{ due_at: Date }>(readQueued, [schedule]);
  return { openChain: open?.chain_id ?? null, queuedAt: queued?.due_at ?? null };
}

/** The answer for one slot that is to run now: its overlap policy says how. */
export async function answer(
  tx: Tx,
  schedule: Row,
  dueAt: Date,
  { openChain, queuedAt }: Standing,
  enqueue: Enqueue,
  requestedBy = `schedule ${schedule.name}`,
): Promise<Slot> {
  const slot = { schedule: schedule.name as string, dueAt, reason: null, chainId: null };
  if (schedule.overlap === 'allow' || openChain === null) {
    return { ...slot, result: 'fired', chainId: await startChain(tx, schedule, enqueue, requestedBy) };
  }
  const open = `chain ${openChain} of an earlier slot is still open`;
  if (schedule.overlap === 'skip') return { ...slot, result: 'skipped', reason: open };
  if (queuedAt === null) return { ...slot, result: 'queued', reason: open };
  return { ...slot, result: 'skipped', reason: `${open}, and the slot of ${queuedAt.toISOString()} waits already` };
}

/** What stands after that answer. */
export function standingAfter(standing: Standing, slot: Slot): Standing {
  return {
    openChain: slot.chainId ?? standing.openChain,
    queuedAt: slot.result === 'queued' ? slot.dueAt : standing.queuedAt,
  };
}

/** Fires the slot that waits. */
export async function fireQueued(tx: Tx, schedule: Row, dueAt: Date, enqueue: Enqueue): Promise<Slot> {
  const chainId = await startChain(tx, schedule, enqueue, `schedule ${schedule.name}`);
  const [row] = await tx.query<{ reason: string | null }>(queuedToFired, [schedule.name, chainId]);
  return { schedule: schedule.name, dueAt, result: 'fired', reason: row!.reason, chainId };
}

export async function recordedOf(tx: Tx, schedule: string, due: readonly Date[]): Promise<ReadonlySet<number>> {
  const rows = await tx.query<{ due_at: Date }>(readRecorded, [schedule, due]);
  return new Set(rows.map((row) => row.due_at.getTime()));
}

export async function insertSlots(tx: Tx, slots: readonly Slot[], requestedBy: string | null = null): Promise<void> {
  if (slots.length === 0) return;
  await tx.query(insertMany, [
    slots.map(({ schedule }) => schedule),
    slots.map(({ dueAt }) => dueAt),
    slots.map(({ result }) => result),
    slots.map(({ reason }) => reason),
    slots.map(({ chainId }) => chainId),
    requestedBy,
  ]);
}

async function startChain(tx: Tx, schedule: Row, enqueue: Enqueue, requestedBy: string): Promise<string> {
  const { chainId } = await enqueue(tx, schedule.chain as string, schedule.input, {
    subject: `schedule ${schedule.name}`,
    traceparent: makeTraceparent(),
    requestedBy,
    unknown: 'block',
  });
  return chainId;
}

/** A chain that waits for a person does not hold its schedule up (it shouts on its own); retried, it does again. */
const movesByItself = `c.state not in ('succeeded', 'failed', 'cancelled', 'dead', 'quarantined')`;

/** An open chain of the slots of `s.name` (an SQL expression). */
export function hasOpenChain(schedule: string): string {
  return `exists (
    select from schedule_slot o join chain c on c.id = o.chain_id
    where o.schedule = ${schedule} and o.result = 'fired' and not o.chain_over and ${movesByItself})`;
}

const forgetEnded = `
  update schedule_slot s set chain_over = true
  where schedule = $1 and result = 'fired' and not chain_over
    and not exists (select from chain c
                    where c.id = s.chain_id and c.state not in ('succeeded', 'failed', 'cancelled'))`;

const newestOpen = `
  select s.chain_id from schedule_slot s join chain c on c.id = s.chain_id
  where s.schedule = $1 and s.result = 'fired' and not s.chain_over and ${movesByItself}
  order by s.due_at desc limit 1`;

const readQueued = `select due_at from schedule_slot where schedule = $1 and result = 'queued'`;

const queuedToFired = `
  update schedule_slot set result = 'fired', reason = 'waited: ' || reason, chain_id = $2, at = now()
  where schedule = $1 and result = 'queued' returning reason`;

const readRecorded = 'select due_at from schedule_slot where schedule = $1 and due_at = any ($2::timestamptz[])';

const insertMany = `
  insert into schedule_slot (schedule, due_at, result, reason, chain_id, requested_by)
  select schedule, due_at, result, reason, chain_id, $6
  from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::bigint[])
    as slot (schedule, due_at, result, reason, chain_id)`;

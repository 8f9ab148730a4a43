/** Which generation of a cycle readers see: one statement after the other, in the caller's transaction, behind the cycle's lock. */
import type { Tx } from '../database/session.ts';

export const backupsKept = 5;

const makeBackup = `
  update total_generation set state = 'backup' where contract_id = $1 and cycle_start = $2 and state = 'current'`;

const makeCurrent = `
  update total_generation set state = 'current' where contract_id = $1 and cycle_start = $2 and generation = $3`;

const dropBackups = `
  with old as (
    update total_generation set state = 'discarded'
    where contract_id = $1 and cycle_start = $2 and state = 'backup' and pinned_by is null
      and generation not in (select generation from total_generation
        where contract_id = $1 and cycle_start = $2 and state = 'backup' and pinned_by is null
        order by generation desc limit $3)
    returning generation)
  delete from total_usage u using old where u.contract_id = $1 and u.cycle_start = $2 and u.generation = old.generation`;

/** Makes `generation` the current one and what was current a backup; backups above five go, but never pinned ones. */
export async function swapTo(tx: Tx, contractId: string, cycleStart: string, generation: number): Promise<void> {
  await tx.query(makeBackup, [contractId, cycleStart]);
  await tx.query(makeCurrent, [contractId, cycleStart, generation]);
  await tx.query(dropBackups, [contractId, cycleStart, backupsKept]);
}

const discardReview = `
  with gone as (
    update total_generation set state = 'discarded', reason = reason || $3
    where contract_id = $1 and cycle_start = $2 and state = 'review' returning generation),
  rows as (delete from total_usage u using gone where u.contract_id = $1 and u.cycle_start = $2 and u.generation = gone.generation)
  select generation from gone`;

/** Drops the generation that waits for a person, if there is one; resolves to its number. */
export async function discardWaiting(
  tx: Tx,
  contractId: string,
  cycleStart: string,
  why: string,
): Promise<number | null> {
  const [gone] = await tx.query<{ generation: number }>(discardReview, [contractId, cycleStart, `; ${why}`]);
  return gone?.generation ?? null;
}

/**
 * `totals restore`: an older generation becomes the current one again, in one transaction. It stays until the cycle's
 * records change or somebody recalculates; the calculation knows nothing of the restored one, so it gives the digest that it
 * would have given anyway (P5). A closed cycle is reopened first.
 */
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { lockOpenCycle } from './cycles.ts';
import { digestOfRows } from './digest.ts';
import { TotalsMismatchError } from './publish.ts';
import { swapTo } from './swap.ts';

const generations = `
  select g.generation, g.state, encode(g.digest, 'hex') as stored, ${digestOfRows} as computed
  from total_generation g left join total_usage u using (contract_id, cycle_start, generation)
  where g.contract_id = $1 and g.cycle_start = $2 and g.state in ('backup', 'current', 'review')
  group by g.generation, g.state, g.digest order by g.generation`;

const note = `
  update total_generation set reason = reason || $4 where contract_id = $1 and cycle_start = $2 and generation = $3`;

/**
 * Throws `ClosedCycleError`, `InputError` for a generation that is no backup, and `TotalsMismatchError` when its rows were
 * changed by hand.
 */
export async function restoreGeneration(
  tx: Tx,
  contractId: string,
  cycleStart: string,
  generation: number,
  by: { readonly by: string; readonly reason: string },
): Promise<{ generation: number; replaced: number; digest: string }> {
  await lockOpenCycle(tx, contractId, cycleStart);
  const there = await tx.query<{ generation: number; state: string; stored: string; computed: string }>(generations, [
    contractId,
    cycleStart,
  ]);
  const chosen = there.find((one) => one.generation === generation);
  if (chosen?.state !== 'backup') {
    const backups = there.filter((one) => one.state === 'backup').map((one) => one.generation);
    const is =
      chosen === undefined ? 'is not kept' : chosen.state === 'review' ? 'waits for review' : 'is current already';
    throw new InputError(
      `generation ${generation} of cycle ${cycleStart} ${is}; backups that can be restored: ${backups.join(', ') || 'none'}`,
    );
  }
  if (chosen.stored !== chosen.computed) {
    throw new TotalsMismatchError(
      `generation ${generation} of contract ${contractId}, cycle ${cycleStart} does not match its digest: its rows were changed by hand`,
    );
  }
  const replaced = there.find((one) => one.state === 'current')!.generation;
  await tx.query(note, [contractId, cycleStart, generation, `; restored by ${by.by}: ${by.reason}`]);
  await swapTo(tx, contractId, cycleStart, generation);
  return { generation, replaced, digest: chosen.stored };
}

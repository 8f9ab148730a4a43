/** The rows of `cycle`, and the partitions that their records live in. */
import type { Tx } from '../database/session.ts';
import { cycleOfDate } from '../telecom/cycle.ts';
import { openLocalTime } from '../telecom/local-time.ts';

/** SQL list of the states in which nothing of a cycle changes any more; `adjusted`: later records refer to it. */
export const closedStates = `'closed', 'adjusted'`;

/** The cycle is closed: its records, prices and totals stay as they are. */
export class ClosedCycleError extends Error {
  override readonly name = 'ClosedCycleError';
}

/**
 * Whoever changes a contract's records, cycles or totals locks the contract first and its cycles after it, so that none of
 * them can deadlock with another. Rows that only refer to the contract (their foreign key) do not wait for it.
 */
export async function lockContract(tx: Tx, contractId: string): Promise<void> {
  await tx.query('select 1 from contract where id = $1 for no key update', [contractId]);
}

/** Makes what is missing: the partitions and the cycle rows. The first records of a cycle that has ended open it in grace. */
export async function ensureCycles(
  tx: Tx,
  contract: { id: string; cycleDay: number; timeZone: string },
  cycleStarts: readonly string[],
): Promise<void> {
  const localTime = openLocalTime(contract.timeZone);
  for (const start of cycleStarts) {
    const bounds = cycleOfDate(start, contract.cycleDay, localTime);
    await tx.query('select ensure_cycle_partition($1::date)', [start]);
    await tx.query(
      `insert into cycle (contract_id, cycle_start, cycle_end, starts_at, ends_at, state)
       values ($1, $2, $3, to_timestamp($4::float8 / 1000), to_timestamp($5::float8 / 1000),
         case when to_timestamp($5::float8 / 1000) <= now() then 'grace' else 'open' end)
       on conflict (contract_id, cycle_start) do nothing`,
      [contract.id, bounds.start, bounds.end, bounds.startsAtMs, bounds.endsAtMs],
    );
  }
}

/** Notes that the active records of these cycles changed: what was rated before is out of date. */
export async function touchCycles(tx: Tx, contractId: string, cycleStarts: readonly string[]): Promise<void> {
  await tx.query('update cycle set revision = revision + 1 where contract_id = $1 and cycle_start = any($2::date[])', [
    contractId,
    cycleStarts,
  ]);
}

/** The rows of `cycle`, and the partitions that their records live in. */
import type { Tx } from '../database/session.ts';
import { cycleOfDate } from '../telecom/cycle.ts';
import { openLocalTime } from '../telecom/local-time.ts';

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

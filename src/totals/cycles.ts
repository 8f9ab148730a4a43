/** The rows of `cycle`, and the partitions that their records live in. */
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { cycleOfDate } from '../telecom/cycle.ts';
import { openLocalTime } from '../telecom/local-time.ts';
import { PurgedCycleError, purgedCycle } from './purged-cycle.ts';

/** SQL list of the states in which nothing of a cycle changes any more; `adjusted`: later records refer to it. */
export const closedStates = `'closed', 'adjusted'`;

export function isClosed(state: string): boolean {
  return state === 'closed' || state === 'adjusted';
}

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

/** Locks the contract, then the cycle; resolves to its state. Throws `InputError` when there is no such cycle. */
export async function lockCycleOf(tx: Tx, contractId: string, cycleStart: string): Promise<string> {
  await lockContract(tx, contractId);
  const [cycle] = await tx.query<{ state: string }>(
    'select state from cycle where contract_id = $1 and cycle_start = $2 for update',
    [contractId, cycleStart],
  );
  if (!cycle) throw new InputError(`contract ${contractId} has no cycle that starts on ${cycleStart}`);
  return cycle.state;
}

/** With the way out. */
export function closedMessage(of: { customer: string; account: string; cycle: string }): string {
  const { customer, account, cycle } = of;
  return `cycle ${cycle} of account ${account} is closed and its totals stay; to change them: linekeeper cycle reopen --customer ${customer} --cycle ${cycle} --account ${account} --reason TEXT`;
}

const whose = `
  select c.code as customer, k.account_no as account from contract k join customer c on c.id = k.customer_id where k.id = $1`;

/** As `lockCycleOf`; throws `ClosedCycleError` with the way out when nothing of the cycle may change. */
export async function lockOpenCycle(tx: Tx, contractId: string, cycle: string): Promise<void> {
  if (!isClosed(await lockCycleOf(tx, contractId, cycle))) return;
  const [of] = await tx.query<{ customer: string; account: string }>(whose, [contractId]);
  throw new ClosedCycleError(closedMessage({ ...of!, cycle }));
}

/**
 * Makes what is missing: the partitions and the cycle rows. The first records of a cycle that has ended open it in grace.
 * Throws `PurgedCycleError` when the records of one were purged: what was billed already could not be told from what comes.
 */
export async function ensureCycles(
  tx: Tx,
  contract: { id: string; cycleDay: number; timeZone: string },
  cycleStarts: readonly string[],
): Promise<void> {
  const purged = await purgedCycle(tx, contract.id, cycleStarts);
  if (purged !== null)
    throw new PurgedCycleError(`cycle ${purged} of contract ${contract.id} was purged and takes no records`);
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

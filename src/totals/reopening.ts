/**
 * `cycle reopen`: a closed cycle takes records and new totals again. What adjusts it in cycles that are open comes home: the
 * reversals go, and late and corrected records become records of the cycle itself, so that the next rating prices the whole
 * cycle as if all had come in time. Adjustments in another closed cycle cannot come home; that one is reopened first.
 * The generation that was closed is pinned: what was billed once is kept.
 */
import type { Tx } from '../database/session.ts';
import { InputError } from '../input-error.ts';
import { closedStates, isClosed, lockCycleOf, touchCycles } from './cycles.ts';
import { withLinearJoins } from './linear-joins.ts';

const closedElsewhere = `
  select distinct to_char(d.cycle_start, 'YYYY-MM-DD') as cycle
  from cdr d join cycle y on y.contract_id = $1 and y.cycle_start = d.cycle_start
  where d.contract_id = $1 and d.adjusts_cycle = $2 and y.state in (${closedStates}) order by 1`;

/** A record whose reversal goes is no longer active beside its newer version, and stays out when it was cancelled. */
const dropReversals = `
  with gone as (
    delete from cdr where contract_id = $1 and adjusts_cycle = $2 and reverses_cdr is not null
    returning cycle_start, reverses_cycle, reverses_cdr),
  heir as materialized (
    select distinct record_key from cdr
    where contract_id = $1 and adjusts_cycle = $2 and reverses_cdr is null and state <> 'cancelled'),
  settled as (
    update cdr e set state = case when o.superseded then 'superseded' else 'cancelled' end
    from (
      select r.cycle_start, r.id, h.record_key is not null as superseded
      from gone join cdr r on r.contract_id = $1 and r.cycle_start = gone.reverses_cycle and r.id = gone.reverses_cdr
      left join heir h on h.record_key = r.record_key) o
    where e.contract_id = $1 and e.cycle_start = o.cycle_start and e.id = o.id
    returning e.cycle_start)
  select to_char(cycle_start, 'YYYY-MM-DD') as cycle, count(*)::float8 as rows from gone group by 1 union all
  select to_char(cycle_start, 'YYYY-MM-DD'), 0 from settled group by 1`;

const bringHome = `
  with old as (select cycle_start, id from cdr where contract_id = $1 and adjusts_cycle = $2),
  moved as (
    update cdr d set cycle_start = $2, adjusts_cycle = null from old
    where d.contract_id = $1 and d.cycle_start = old.cycle_start and d.id = old.id)
  select to_char(cycle_start, 'YYYY-MM-DD') as cycle, count(*)::float8 as rows from old group by 1`;

const isPurged = `
  select 1 from cycle where contract_id = $1 and cycle_start = $2 and purge_begun_at is not null`;

const reopenRow = `
  update cycle set state = 'grace', closed_at = null, reopened_at = now() where contract_id = $1 and cycle_start = $2`;

const pin = `
  update total_generation set pinned_by = $3 where contract_id = $1 and cycle_start = $2 and state = 'current'`;

export interface Reopened {
  /** Records that came home or went with their reversal. */
  readonly broughtHome: number;
  /** Cycles whose records changed by that; their totals are due. */
  readonly touched: readonly string[];
}

/** Throws `InputError` when the cycle is not closed, or when adjustments of it lie in another closed cycle. */
export async function reopenCycle(
  tx: Tx,
  contractId: string,
  cycleStart: string,
  by: { readonly by: string; readonly reason: string },
): Promise<Reopened> {
  if (!isClosed(await lockCycleOf(tx, contractId, cycleStart))) {
    throw new InputError(`cycle ${cycleStart} is not closed; see: linekeeper cycle list`);
  }
  const key = [contractId, cycleStart];
  const [purged] = await tx.query(isPurged, key);
  if (purged) {
    throw new InputError(
      `the records of cycle ${cycleStart} were purged at the end of their retention: nothing is left to make new totals of; those that are there stay`,
    );
  }
  const elsewhere = await tx.query<{ cycle: string }>(closedElsewhere, key);
  if (elsewhere.length > 0) {
    const cycles = elsewhere.map(({ cycle }) => cycle).join(', ');
    throw new InputError(
      `cycle ${cycleStart} is adjusted by records of ${cycles}, which is closed too; reopen that first, so that they can come home`,
    );
  }
  await tx.query(pin, [...key, `reopened by ${by.by}: ${by.reason}`]);
  await tx.query(reopenRow, key);
  const changed = await withLinearJoins(tx, async () => [
    ...(await tx.query<{ cycle: string; rows: number }>(dropReversals, key)),
    ...(await tx.query<{ cycle: string; rows: number }>(bringHome, key)),
  ]);
  const cycles = changed.map(({ cycle }) => cycle);
  const touched = [...new Set(cycles.length === 0 ? [] : [cycleStart, ...cycles])].sort();
  await touchCycles(tx, contractId, touched);
  return { broughtHome: changed.reduce((sum, { rows }) => sum + rows, 0), touched };
}

/**
 * Records that come after their cycle was closed (domain.md 4.2). The closed cycle's records, prices and totals stay as
 * they are; what would have changed them becomes records of the cycle that is open today, which name the closed one
 * (`adjusts_cycle`) and are rated with its tariff:
 * - a late record lies in the open cycle;
 * - a record that supersedes one of a closed cycle lies there too, and beside it a reversal: the old record with negative
 *   usage and exactly the amount that was billed for it, negated;
 * - a cancellation is a reversal and a cancelled version, which keeps later originals of that record out.
 * All of it happens in the import's transaction, behind the contract's lock, which closing takes too.
 */
import type { Tx } from '../database/session.ts';
import { cdrSpoolColumns } from '../telecom/cdr-columns.ts';
import { cycleStartOfDate } from '../telecom/cycle.ts';
import { closedStates, ensureCycles } from './cycles.ts';

/** The cycle that takes what the closed ones cannot take any more. */
export interface OpenCycle {
  readonly contractId: string;
  readonly start: string;
}

const anyClosed = `
  select k.cycle_day as "cycleDay", k.time_zone as "timeZone", to_char(now() at time zone k.time_zone, 'YYYY-MM-DD') as today
  from contract k where k.id = $1
    and exists (select from cycle y where y.contract_id = k.id and y.state in (${closedStates}))`;

const redirect = `
  update cdr_stage s set adjusts_cycle = s.cycle_start, cycle_start = $2
  from cycle y where y.contract_id = $1 and y.cycle_start = s.cycle_start and y.state in (${closedStates})`;

/** Leads staged records of closed cycles into today's cycle, by the database's clock. Null when the contract has no closed one. */
export async function redirectToOpenCycle(tx: Tx, contractId: string): Promise<OpenCycle | null> {
  const [contract] = await tx.query<{ cycleDay: number; timeZone: string; today: string }>(anyClosed, [contractId]);
  if (!contract) return null;
  const { cycleDay, timeZone, today } = contract;
  const start = cycleStartOfDate(today, cycleDay);
  await ensureCycles(tx, { id: contractId, cycleDay, timeZone }, [start]);
  await tx.query(redirect, [contractId, start]);
  return { contractId, start };
}

/** Columns that a version shares with the one before it: all that say which record it is, and none that say how much. */
const identity = cdrSpoolColumns
  .filter(
    (column) => !/^(line_no|record_key|original_key|correction|cycle_start|usage_.*|provider_amount_e8)$/.test(column),
  )
  .join(', ');
const amounts = ['usage_s', 'usage_octets', 'usage_count', 'provider_amount_e8'];
const identityOf = identity.replaceAll(/\w+/g, 'e.$&');
const negated = amounts.map((column) => `-e.${column}`).join(', ');
const target = `contract_id, cycle_start, raw_file_id, line_no, late, record_key, version, state, correction, adjusts_cycle,
    ${identity}, ${amounts.join(', ')}`;
const natural = 'coalesce(e.adjusts_cycle, e.cycle_start)';

/** A key of its own: the reversal of a version is one record, whatever becomes of the record that it takes back. */
const reversalKey = `sha256('reversal'::bytea || e.record_key || int4send(e.version))`;

/** `which`: rows `(cycle_start, id, file_no, line_no)` of `cdr` in closed cycles. Parameters: contract, open cycle, files. */
const reverse = (which: string) => `
  with gone as (${which}), taken as (
    insert into cdr (${target}, reverses_cycle, reverses_cdr, reversed_amount_e8)
    select e.contract_id, $2, ($3::bigint[])[w.file_no], w.line_no, true, ${reversalKey}, 1, 'active', 'R', ${natural}, ${identityOf}, ${negated},
      e.cycle_start, e.id, -r.amount_e8
    from gone w join cdr e on e.contract_id = $1 and e.cycle_start = w.cycle_start and e.id = w.id
    left join total_generation g on g.contract_id = $1 and g.cycle_start = e.cycle_start and g.state = 'current'
    left join rated_cdr r on r.contract_id = $1 and r.cycle_start = e.cycle_start and r.rating_run_id = g.rating_run_id
      and r.cdr_id = e.id
    returning 1
  ) insert into cdr_touched select $2::date where exists (select from taken)`;

const staged = (condition: string) => `
  select n.cycle_start, n.id, max(s.file_no) as file_no, max(s.line_no) as line_no
  from cdr_newest n join cdr_stage s on coalesce(s.original_key, s.record_key) = n.target_key
  where n.closed and n.state = 'active' and ${condition} group by n.cycle_start, n.id`;

const reverseSuperseded = {
  ' ': reverse(staged(`s.correction = ' ' and s.content_hash <> n.content_hash and n.correction = ' '`)),
  C: reverse(staged(`s.correction = 'C' and s.content_hash <> n.content_hash and n.correction <> 'D'`)),
};

/** Takes back what staged records of this kind supersede in closed cycles. The new versions are inserted as all others are. */
export async function reverseSupersededClosed(
  tx: Tx,
  open: OpenCycle,
  rawFileIds: readonly string[],
  correction: ' ' | 'C',
): Promise<void> {
  await tx.query(reverseSuperseded[correction], [open.contractId, open.start, rawFileIds]);
}

const reverseCancelled = reverse(staged(`s.correction = 'D' and n.correction <> 'D'`));

/** Takes back what staged cancellations name in closed cycles. The cancelled version is kept as that of an unknown record. */
export async function reverseCancelledClosed(tx: Tx, open: OpenCycle, rawFileIds: readonly string[]): Promise<void> {
  await tx.query(reverseCancelled, [open.contractId, open.start, rawFileIds]);
}

const createVanished = `
  create temp table if not exists cdr_vanished (cycle_start date, id bigint, record_key bytea, version integer) on commit drop`;

/** Records of closed cycles, of older versions of this file, that the re-delivery does not contain. */
const fillVanished = `
  insert into cdr_vanished
  select e.cycle_start, e.id, e.record_key, e.version
  from cdr e join raw_file f on f.id = e.raw_file_id join cycle y on y.contract_id = $1 and y.cycle_start = e.cycle_start
  where e.contract_id = $1 and e.state = 'active' and e.reverses_cdr is null and y.state in (${closedStates})
    and f.contract_id = $1 and f.logical_key = $2 and f.version < $3
    and not exists (select from cdr_stage s where coalesce(s.original_key, s.record_key) = e.record_key)
  returning 1`;

/** What was superseded or cancelled after its cycle was closed stays active there, and is not the record any more. */
const dropOvertaken = `
  delete from cdr_vanished v using cdr n join cycle z on z.contract_id = $1 and z.cycle_start = n.cycle_start
  where n.contract_id = $1 and n.record_key = v.record_key and n.version > v.version`;

const reverseVanished = reverse('select cycle_start, id, 1 as file_no, 0 as line_no from cdr_vanished');

const keepVanished = `
  insert into cdr (${target})
  select e.contract_id, $2, $3, 0, true, e.record_key, e.version + 1, 'cancelled', e.correction, ${natural}, ${identityOf},
    ${amounts.map((column) => `e.${column}`).join(', ')}
  from cdr_vanished v join cdr e on e.contract_id = $1 and e.cycle_start = v.cycle_start and e.id = v.id`;

/** As when a record vanishes from an open cycle's file: it is cancelled, here by a reversal and a cancelled version. */
export async function reverseVanishedClosed(
  tx: Tx,
  open: OpenCycle,
  file: { rawFileId: string; logicalKey: string; version: number },
): Promise<void> {
  const { contractId, start } = open;
  await tx.query(createVanished);
  await tx.query('truncate cdr_vanished');
  const vanished = await tx.query(fillVanished, [contractId, file.logicalKey, file.version]);
  if (vanished.length === 0) return;
  await tx.query(dropOvertaken, [contractId]);
  await tx.query(reverseVanished, [contractId, start, [file.rawFileId]]);
  await tx.query(keepVanished, [contractId, start, file.rawFileId]);
}

const markAdjusted = `
  update cycle y set state = 'adjusted' where y.contract_id = $1 and y.state = 'closed'
    and exists (select from cdr e where e.contract_id = $1 and e.adjusts_cycle = y.cycle_start)`;

/** A closed cycle that something refers to says so. */
export async function markAdjustedCycles(tx: Tx, { contractId }: OpenCycle): Promise<void> {
  await tx.query(markAdjusted, [contractId]);
}

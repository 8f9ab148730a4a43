/**
 * Merges the decoded records of files into `cdr`, one file after the other (domain.md 4.1). The newest version of a record decides:
 * - none yet: the record is version 1 and active;
 * - equal content: nothing changes, however often it is delivered, unless its call code was unknown and is known by now;
 * - other content from an original: supersedes an active original; never undoes a correction;
 * - a correction (C): supersedes whatever is active; a cancellation (D): cancels it, and keeps an original that comes later out;
 * - where the provider numbers the versions of a record, a lower one than the newest changes nothing, and a higher one undoes
 *   a cancellation;
 * - a record of an earlier version of the same file that the re-delivery does not contain is cancelled.
 * Closed cycles are not changed: what would change them lies in the open one and refers to them (adjustments.ts).
 * Everything runs in the caller's transaction; the contract's row must be locked by it.
 */
import type { Tx } from '../database/session.ts';
import { cdrSpoolColumns } from '../telecom/cdr-columns.ts';
import {
  markAdjustedCycles,
  type OpenCycle,
  redirectToOpenCycle,
  reverseCancelledClosed,
  reverseSupersededClosed,
  reverseVanishedClosed,
} from './adjustments.ts';
import { closedStates } from './cycles.ts';
import { withLinearJoins } from './linear-joins.ts';
import { type FileToMerge, fillStage, inTurns, stagesOf } from './merge-stage.ts';

const createNewest = `
  create temp table if not exists cdr_newest (
    target_key bytea primary key, cycle_start date, id bigint, version integer, state text, content_hash bigint, correction "char",
    provider_version bigint, closed boolean, category text
  ) on commit drop`;
const createTouched = 'create temp table if not exists cdr_touched (cycle_start date) on commit drop';

const copiedColumns = cdrSpoolColumns
  .filter((column) => column !== 'record_key' && column !== 'original_key' && column !== 'correction')
  .map((column) => `s.${column}`)
  .join(', ');
const insertColumns = `contract_id, raw_file_id, late, record_key, correction, version, state, adjusts_cycle, ${copiedColumns.replaceAll('s.', '')}`;

/** The newest version of every record that the stage speaks of, over all cycles of the contract. */
const fillNewest = `
  insert into cdr_newest
  select distinct on (e.record_key) e.record_key, e.cycle_start, e.id, e.version, e.state, e.content_hash, e.correction,
    e.provider_version, y.state in (${closedStates}), e.category
  from (select distinct coalesce(original_key, record_key) as target_key from cdr_stage) s
  cross join (select cycle_start, state from cycle where contract_id = $1) y
  join cdr e on e.contract_id = $1 and e.cycle_start = y.cycle_start and e.record_key = s.target_key
  order by e.record_key, e.version desc`;

/** What is outdated already becomes what there is, so that nothing changes. */
const passOverOutdated = `
  update cdr_stage s set content_hash = n.content_hash, correction = ' '
  from cdr_newest n
  where n.target_key = coalesce(s.original_key, s.record_key) and s.provider_version < n.provider_version`;

/**
 * The bytes that made a record unknown are the same when its code stands in the layout at last: it would never be rated, and its
 * cycle never closed. A closed one has no such record.
 */
const isOther = `(s.content_hash <> n.content_hash
  or (n.category = 'unknown' and s.category <> 'unknown' and not n.closed and s.provider_version >= n.provider_version))`;

const supersede = (correction: ' ' | 'C') => `
  with old as (
    update cdr e set state = 'superseded'
    from cdr_newest n
    where e.contract_id = $1 and e.cycle_start = n.cycle_start and e.id = n.id and n.state = 'active' and not n.closed
      and exists (select 1 from cdr_stage s where coalesce(s.original_key, s.record_key) = n.target_key
        and s.correction = '${correction}' and ${isOther})
      and ${correction === ' ' ? "n.correction = ' '" : "n.correction <> 'D'"}
    returning e.cycle_start
  ) insert into cdr_touched select distinct cycle_start from old`;

/**
 * Numbers that nobody told us of: kept as discovered subscriptions of the contract. Those of records that are new, so that one which
 * was erased does not come back with what is there already.
 */
const discover = `discovered as (
    insert into subscription (contract_id, msisdn, source, first_seen)
    select $1, msisdn, 'discovered', min(local_start)::date from fresh group by msisdn
    on conflict (contract_id, msisdn) do nothing)`;

const insertNew = (correction: ' ' | 'C') => `
  with fresh as (
    insert into cdr (${insertColumns})
    select $1, ($2::bigint[])[s.file_no], s.adjusts_cycle is not null or s.cycle_start < ($3::date[])[s.file_no], coalesce(s.original_key, s.record_key), s.correction,
      coalesce(n.version, 0) + row_number() over of_record,
      case when lead(1) over of_record is null then 'active' else 'superseded' end, s.adjusts_cycle, ${copiedColumns}
    from cdr_stage s left join cdr_newest n on n.target_key = coalesce(s.original_key, s.record_key)
    where s.correction = '${correction}' and (n.target_key is null
      or (n.state = 'active' and ${isOther} and ${correction === ' ' ? "n.correction = ' '" : 'true'})
      or (n.state <> 'active' and n.correction <> 'D' and ${correction === ' ' ? "n.correction = ' '" : 'true'}
        and s.provider_version >= n.provider_version)
      or (n.correction = 'D' and s.provider_version > n.provider_version))
    window of_record as (partition by coalesce(s.original_key, s.record_key) order by s.line_no)
    returning cycle_start, msisdn, local_start
  ), ${discover} insert into cdr_touched select distinct cycle_start from fresh`;

const cancelNamed = `
  with gone as (
    update cdr e set state = 'cancelled', correction = 'D', provider_version = greatest(e.provider_version, s.provider_version)
    from cdr_newest n
    join (select coalesce(original_key, record_key) as target_key, max(provider_version) as provider_version
      from cdr_stage where correction = 'D' group by 1) s on s.target_key = n.target_key
    where e.contract_id = $1 and e.cycle_start = n.cycle_start and e.id = n.id and n.correction <> 'D' and not n.closed
    returning e.cycle_start
  ) insert into cdr_touched select distinct cycle_start from gone`;

/** A cancellation whose original has not come yet, or lies in a closed cycle, is kept, so that the original stays out when it comes. */
const keepCancellation = `
  with fresh as (insert into cdr (${insertColumns})
  select distinct on (s.original_key) $1, ($2::bigint[])[s.file_no], s.adjusts_cycle is not null or s.cycle_start < ($3::date[])[s.file_no],
    s.original_key, 'D',
    coalesce(n.version, 0) + 1, 'cancelled', s.adjusts_cycle, ${copiedColumns}
  from cdr_stage s left join cdr_newest n on n.target_key = s.original_key
  where s.correction = 'D' and (n.target_key is null or (n.closed and n.correction <> 'D')) order by s.original_key, s.line_no
    returning msisdn, local_start
  ), ${discover} select`;

/** What was reversed is taken back already, also when the cycle that it lies in was reopened since. */
const cancelVanished = `
  with gone as (
    update cdr e set state = 'cancelled'
    from raw_file f, cycle y
    where e.contract_id = $1 and e.state = 'active' and e.reverses_cdr is null
      and y.contract_id = $1 and y.cycle_start = e.cycle_start and y.state not in (${closedStates}) and f.id = e.raw_file_id and f.contract_id = $1 and f.logical_key = $2
      and f.version < $3
      and not exists (select 1 from cdr_stage s where coalesce(s.original_key, s.record_key) = e.record_key)
      and not exists (select 1 from cdr t where t.contract_id = $1 and t.reverses_cdr = e.id and t.reverses_cycle = e.cycle_start)
    returning e.cycle_start
  ) insert into cdr_touched select distinct cycle_start from gone`;

/**
 * Merges files in their order. Resolves to the cycles whose active records changed, ascending. Throws when a spool file is not
 * whole.
 */
export async function mergeRecords(
  tx: Tx,
  contractId: string,
  files: readonly FileToMerge[],
): Promise<readonly string[]> {
  // most polls bring nothing, and even an empty temporary table costs the catalogue rows
  if (files.length === 0) return [];
  for (const statement of [createNewest, createTouched]) await tx.query(statement);
  await tx.query('truncate cdr_touched');
  for (const stage of stagesOf(files)) await mergeFiles(tx, contractId, stage);
  const touched = await tx.query<{ cycle: string }>(
    `select distinct to_char(cycle_start, 'YYYY-MM-DD') as cycle from cdr_touched order by 1`,
  );
  return touched.map((row) => row.cycle);
}

async function mergeFiles(tx: Tx, contractId: string, files: readonly FileToMerge[]): Promise<void> {
  await fillStage(tx, files);
  const open = await redirectToOpenCycle(tx, contractId);
  await withLinearJoins(tx, () => inTurns(tx, files.length, () => mergeStage(tx, contractId, files, open)));
  if (open) await markAdjustedCycles(tx, open);
}

/** No two of the files speak of the same record. */
async function mergeStage(
  tx: Tx,
  contractId: string,
  files: readonly FileToMerge[],
  open: OpenCycle | null,
): Promise<void> {
  const ids = files.map(({ rawFileId }) => rawFileId);
  const where = [contractId, ids, files.map(({ fileCycle }) => fileCycle)];
  await refreshNewest(tx, contractId);
  await tx.query(passOverOutdated);
  if (open) await reverseSupersededClosed(tx, open, ids, ' ');
  await tx.query(supersede(' '), [contractId]);
  await tx.query(insertNew(' '), where);
  const [corrections] = await tx.query<{ any: boolean }>(
    `select exists (select 1 from cdr_stage where correction <> ' ') as any`,
  );
  if (corrections!.any) {
    await refreshNewest(tx, contractId);
    if (open) await reverseSupersededClosed(tx, open, ids, 'C');
    await tx.query(supersede('C'), [contractId]);
    await tx.query(insertNew('C'), where);
    await refreshNewest(tx, contractId);
    if (open) await reverseCancelledClosed(tx, open, ids);
    await tx.query(cancelNamed, [contractId]);
    await tx.query(keepCancellation, where);
  }
  const [file] = files;
  if (file!.version === 1) return;
  if (open) await reverseVanishedClosed(tx, open, file!);
  await tx.query(cancelVanished, [contractId, file!.logicalKey, file!.version]);
}

async function refreshNewest(tx: Tx, contractId: string): Promise<void> {
  await tx.query('truncate cdr_newest');
  await tx.query(fillNewest, [contractId]);
  await tx.query('analyze cdr_newest');
}

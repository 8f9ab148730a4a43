/**
 * Records and prices of closed cycles go some months after the cycle's end. First the cycle is marked: from then on it takes no
 * records and is not reopened, so its totals stay what they are. Then its rows go: a whole month at once when nothing of it is to be
 * kept, else in batches. Each call is one bounded piece of that, in the caller's transaction; calling again goes on, and nodes pass over
 * what another one holds.
 */
import type { ReadSession, Tx } from '../database/session.ts';
import { closedStates } from '../totals/cycles.ts';
import { kept } from './retention.ts';

export interface RecordsRemoved {
  /** Cycles whose records began to go. */
  readonly begun: number;
  readonly cdr: number;
  readonly rated: number;
  /** Partitions that were dropped whole. */
  readonly partitions: readonly string[];
  /** A month's partitions could not be locked in time. */
  readonly busy: boolean;
}

export const nothingRemoved: RecordsRemoved = { begun: 0, cdr: 0, rated: 0, partitions: [], busy: false };

const over = `y.cycle_end + make_interval(months => ${kept('recordMonths')}) <= now() at time zone k.time_zone`;

/** Closed cycles whose time is over: `y`, with contract `k` and customer `c`. */
const due = `
  from cycle y join contract k on k.id = y.contract_id join customer c on c.id = k.customer_id
  where y.state in (${closedStates}) and y.purge_begun_at is null and ${over}`;

const lockContracts = `
  select k.id from contract k where k.id in (select distinct y.contract_id ${due}) order by k.id limit $1
  for no key update skip locked`;

const begin = `
  update cycle t set purge_begun_at = now() from (select y.contract_id, y.cycle_start ${due} and k.id = any($1::bigint[])) d
  where t.contract_id = d.contract_id and t.cycle_start = d.cycle_start returning 1`;

/** The oldest month of which rows are to go; whole: nothing of it is kept, for anybody. */
const oldestMonth = `
  select to_char(month, 'YYYY_MM') as month, not exists (
    select from cycle z where z.cycle_start >= month and z.cycle_start < month + interval '1 month' and z.purge_begun_at is null) as whole
  from (select date_trunc('month', min(cycle_start))::date as month from cycle
    where state in (${closedStates}) and totals_purged_at is null and purge_begun_at is not null and purged_at is null) m
  where month is not null`;

/** Oldest first, and only where nobody is at work. */
const nextCycle = `
  select contract_id as "contractId", to_char(cycle_start, 'YYYY-MM-DD') as "cycleStart" from cycle
  where state in (${closedStates}) and totals_purged_at is null and purge_begun_at is not null and purged_at is null
  order by cycle_start, contract_id limit 1 for no key update skip locked`;

const deleteFrom = (table: 'cdr' | 'rated_cdr') => `
  delete from ${table} where contract_id = $1 and cycle_start = $2::date and ctid = any (array(
    select ctid from ${table} where contract_id = $1 and cycle_start = $2::date limit $3))
  returning 1`;

const markPurged = 'update cycle set purged_at = now() where contract_id = $1 and cycle_start = $2::date';

/** `batch`: rows of a table. */
export async function purgeRecords(tx: Tx, batch: number): Promise<RecordsRemoved> {
  const contracts = await tx.query<{ id: string }>(lockContracts, [contractsAtOnce]);
  const begun = contracts.length === 0 ? [] : await tx.query(begin, [contracts.map(({ id }) => id)]);
  // what locks whole tables comes in a transaction that holds nothing else
  if (begun.length > 0) return { ...nothingRemoved, begun: begun.length };
  const [oldest] = await tx.query<{ month: string; whole: boolean }>(oldestMonth);
  if (!oldest) return nothingRemoved;
  if (oldest.whole) return dropMonth(tx, oldest.month);
  const [cycle] = await tx.query<{ contractId: string; cycleStart: string }>(nextCycle);
  if (!cycle) return nothingRemoved;
  const key = [cycle.contractId, cycle.cycleStart];
  const rated = (await tx.query(deleteFrom('rated_cdr'), [...key, batch])).length;
  const cdr = (await tx.query(deleteFrom('cdr'), [...key, batch])).length;
  if (rated < batch && cdr < batch) await tx.query(markPurged, key);
  return { ...nothingRemoved, cdr, rated };
}

const contractsAtOnce = 200;

const monthPartitions = `
  select p.relname::text as name, format('%I.%I', n.nspname, p.relname) as qualified
  from pg_inherits i join pg_class p on p.oid = i.inhrelid join pg_namespace n on n.oid = p.relnamespace
  where i.inhparent in ('cdr'::regclass, 'rated_cdr'::regclass) and p.relname in ('cdr_' || $1, 'rated_cdr_' || $1)
  order by 1`;

/** A dump or a long report: waiting for it would hold up everybody behind the wait, again and again. */
const heldLong = `
  select 1 from pg_locks l join pg_stat_activity a on a.pid = l.pid
  where l.relation in ('cdr'::regclass, 'rated_cdr'::regclass) and l.granted and l.pid <> pg_backend_pid()
    and l.database = (select oid from pg_database where datname = current_database())
    and a.xact_start < now() - interval '2 seconds' limit 1`;

const countMonth = `
  select (select count(*) from cdr where cycle_start >= to_date($1, 'YYYY_MM') and cycle_start < to_date($1, 'YYYY_MM') + interval '1 month')::int as cdr,
    (select count(*) from rated_cdr where cycle_start >= to_date($1, 'YYYY_MM') and cycle_start < to_date($1, 'YYYY_MM') + interval '1 month')::int as rated`;

const markMonth = `
  update cycle set purged_at = now()
  where cycle_start >= to_date($1, 'YYYY_MM') and cycle_start < to_date($1, 'YYYY_MM') + interval '1 month' and purged_at is null`;

/** An import that makes a new cycle of that month meanwhile finds no partition, fails, and makes it anew with its next try. */
async function dropMonth(tx: Tx, month: string): Promise<RecordsRemoved> {
  if ((await tx.query(heldLong)).length > 0) return { ...nothingRemoved, busy: true };
  await tx.query('savepoint purge_month');
  await tx.query(`set local lock_timeout = '250ms'`);
  try {
    const partitions = await tx.query<{ name: string; qualified: string }>(monthPartitions, [month]);
    for (const { qualified } of partitions) await tx.query(`lock table ${qualified} in access exclusive mode`);
    // with the locks in hand: somebody may have made a cycle in between
    const [still] = await tx.query<{ month: string; whole: boolean }>(oldestMonth);
    if (still?.month !== month || !still.whole) return { ...nothingRemoved, busy: true };
    const [rows] = await tx.query<{ cdr: number; rated: number }>(countMonth, [month]);
    for (const { qualified } of partitions) await tx.query(`drop table ${qualified}`);
    await tx.query(markMonth, [month]);
    return { ...nothingRemoved, ...rows!, partitions: partitions.map(({ name }) => name) };
  } catch (error) {
    if ((error as { code?: unknown }).code !== '55P03') throw error;
    await tx.query('rollback to savepoint purge_month');
    return { ...nothingRemoved, busy: true };
  }
}

/** Something of this is to be done. */
export const recordsPending = `
  (exists (select ${due}) or exists (select from cycle where state in (${closedStates}) and totals_purged_at is null
    and purge_begun_at is not null and purged_at is null))`;

const foreseen = `
  with gone as (
    select y.contract_id, y.cycle_start ${due}
    union select contract_id, cycle_start from cycle where purge_begun_at is not null and purged_at is null)
  select (select count(*) from gone)::int as begun,
    (select count(*) from cdr d join gone using (contract_id, cycle_start))::int as cdr,
    (select count(*) from rated_cdr r join gone using (contract_id, cycle_start))::int as rated,
    (select count(*) from cycle y join contract k on k.id = y.contract_id join customer c on c.id = k.customer_id
      where y.state not in (${closedStates}) and ${over})::int as "keptOpen"`;

/** `keptOpen`: cycles that are kept although their time is over, because nobody closed them. */
export async function foreseeRecords(
  session: Pick<ReadSession, 'query'>,
): Promise<Pick<RecordsRemoved, 'begun' | 'cdr' | 'rated'> & { keptOpen: number }> {
  const [row] = await session.query<{ begun: number; cdr: number; rated: number; keptOpen: number }>(foreseen);
  return row!;
}

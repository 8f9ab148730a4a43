/**
 * Publishes a cycle's totals as a new generation (domain.md 4.3), in the caller's transaction: build from the rated
 * records, check against the rating run, compare with the current generation, swap. Readers see exactly one current
 * generation at every moment. Equal totals keep the generation that is there and only note that nothing changed. Totals that
 * fall suddenly (guard.ts) are kept in the state `review`, and the current ones stay until a person decides (review.ts).
 */
import type { Tx } from '../database/session.ts';
import { ClosedCycleError, isClosed } from './cycles.ts';
import { digestOfRows } from './digest.ts';
import { suddenFall } from './guard.ts';
import { withLinearJoins } from './linear-joins.ts';
import { ownSumsOf } from './own-sums.ts';
import { discardWaiting, swapTo } from './swap.ts';

export interface Published {
  readonly cycleStart: string;
  readonly generation: number;
  readonly unchanged: boolean;
  /** Why it waits for a person instead of being current; null when it does not. */
  readonly review: string | null;
  /** sha256 over the sorted rows, hex. */
  readonly digest: string;
  readonly records: number;
  readonly amountE8: string;
}

/** The sums of a new generation are not those of its rating run. Nothing was published. */
export class TotalsMismatchError extends Error {
  override readonly name = 'TotalsMismatchError';
}

/** A statement of its own: what is read about generations needs a snapshot taken after the lock was granted. */
const lockCycle = 'select 1 from cycle where contract_id = $1 and cycle_start = $2 for update';

const readCycle = `
  select y.rating_run_id as "ratingRunId", y.state, k.customer_id as "customerId",
    k.guard_amount_percent as "amountPercent", k.guard_records_percent as "recordsPercent",
    (select max(generation) from total_generation g where g.contract_id = $1 and g.cycle_start = $2) as newest,
    c.generation as current, encode(c.digest, 'hex') as digest
  from cycle y join contract k on k.id = y.contract_id
  left join total_generation c on c.contract_id = $1 and c.cycle_start = $2 and c.state = 'current'
  where y.contract_id = $1 and y.cycle_start = $2`;

interface CycleRow {
  readonly ratingRunId: string | null;
  readonly state: string;
  readonly customerId: string;
  readonly amountPercent: number;
  readonly recordsPercent: number;
  readonly newest: number | null;
  readonly current: number | null;
  readonly digest: string | null;
}

const build = `
  insert into total_usage (contract_id, customer_id, cycle_start, generation, subscription_id, msisdn, category, records,
    unrated, usage_s, usage_octets, usage_count, amount_e8, provider_amount_e8)
  select r.contract_id, $3, r.cycle_start, $4, s.id, c.msisdn, c.category, count(*), count(*) filter (where r.status = 'unrated'),
    sum(c.usage_s), sum(c.usage_octets), sum(c.usage_count), sum(r.amount_e8), sum(c.provider_amount_e8)
  from rated_cdr r
  join cdr c on c.contract_id = r.contract_id and c.cycle_start = r.cycle_start and c.id = r.cdr_id and c.state = 'active'
  left join subscription s on s.contract_id = r.contract_id and s.msisdn = c.msisdn
  where r.contract_id = $1 and r.cycle_start = $2 and r.rating_run_id = $5
  group by r.contract_id, r.cycle_start, s.id, c.msisdn, c.category`;

const sums = `
  with held as (
    select count(*) filter (where state = 'active') as active,
      count(*) filter (where state = 'cancelled' and adjusts_cycle is null) as cancelled
    from cdr where contract_id = $1 and cycle_start = $2)
  select coalesce(sum(u.records), 0)::bigint as records, coalesce(sum(u.amount_e8), 0)::bigint as "amountE8",
    ${digestOfRows} as digest,
    (select records from rating_run where id = $4) as "runRecords",
    (select amount_e8 from rating_run where id = $4) as "runAmountE8",
    (select active from held) as active, (select cancelled from held) as cancelled
  from total_usage u where u.contract_id = $1 and u.cycle_start = $2 and u.generation = $3`;

interface Sums {
  readonly records: string;
  readonly amountE8: string;
  readonly digest: string;
  readonly runRecords: string;
  readonly runAmountE8: string;
  readonly active: string;
  readonly cancelled: string;
}

const currentSums = `
  select coalesce(sum(u.records), 0)::bigint as records, coalesce(sum(u.amount_e8), 0)::bigint as "amountE8",
    g.cancelled_records as cancelled, g.rating_run_id as run
  from total_generation g left join total_usage u using (contract_id, cycle_start, generation)
  where g.contract_id = $1 and g.cycle_start = $2 and g.generation = $3 group by g.cancelled_records, g.rating_run_id`;

/**
 * Throws `TotalsMismatchError` when a sum is off, `ClosedCycleError` when the cycle is closed; the transaction must then be
 * rolled back.
 */
export async function publishTotals(
  tx: Tx,
  contractId: string,
  cycleStart: string,
  reason: string,
): Promise<Published> {
  await tx.query(lockCycle, [contractId, cycleStart]);
  const [cycle] = await tx.query<CycleRow>(readCycle, [contractId, cycleStart]);
  if (!cycle?.ratingRunId) {
    throw new TotalsMismatchError(`cycle ${cycleStart} of contract ${contractId} has no rating run to publish`);
  }
  if (isClosed(cycle.state)) throw new ClosedCycleError(`cycle ${cycleStart} of contract ${contractId} is closed`);
  const generation = (cycle.newest ?? 0) + 1;
  const key = [contractId, cycleStart, generation];
  await tx.query(
    `insert into total_generation (contract_id, customer_id, cycle_start, generation, rating_run_id, state, digest, reason)
     values ($1, $2, $3, $4, $5, 'building', '', $6)`,
    [contractId, cycle.customerId, cycleStart, generation, cycle.ratingRunId, reason],
  );
  const source = [contractId, cycleStart, cycle.customerId, generation, cycle.ratingRunId];
  await withLinearJoins(tx, () => tx.query(build, source));
  const [sum] = await tx.query<Sums>(sums, [...key, cycle.ratingRunId]);
  verify(sum!, contractId, cycleStart);
  // what waited is overtaken by these totals, whatever becomes of them
  await discardWaiting(tx, contractId, cycleStart, `overtaken by generation ${generation}`);
  const unchanged = cycle.current !== null && cycle.digest === sum!.digest;
  let review: string | null = null;
  if (unchanged) await keepCurrent(tx, contractId, cycleStart, generation, cycle.ratingRunId);
  else {
    await tx.query(complete, [...key, sum!.digest, sum!.cancelled]);
    review = await fallFrom(tx, contractId, cycleStart, cycle, sum!);
    if (review === null) await swapTo(tx, contractId, cycleStart, generation);
    else await tx.query(keepForReview, [...key, review]);
  }
  const published = unchanged ? cycle.current! : generation;
  await consume(tx, contractId, cycleStart, published, unchanged);
  await dropOldRuns(tx, contractId, cycleStart, cycle.ratingRunId);
  const { digest, amountE8 } = sum!;
  return { cycleStart, generation: published, unchanged, review, digest, records: Number(sum!.records), amountE8 };
}

const complete = `
  update total_generation set digest = decode($4, 'hex'), cancelled_records = $5
  where contract_id = $1 and cycle_start = $2 and generation = $3`;

const keepForReview = `
  update total_generation set state = 'review', review_reason = $4
  where contract_id = $1 and cycle_start = $2 and generation = $3`;

async function fallFrom(
  tx: Tx,
  contractId: string,
  cycleStart: string,
  cycle: CycleRow,
  after: Sums,
): Promise<string | null> {
  if (cycle.current === null) return null;
  const [before] = await tx.query<Pick<Sums, 'records' | 'amountE8' | 'cancelled'> & { run: string }>(currentSums, [
    contractId,
    cycleStart,
    cycle.current,
  ]);
  const [was, is] = [guarded(before!), guarded(after)];
  const fall = suddenFall(was, is, cycle);
  if (fall === null) return null;
  const [ownBefore, ownAfter] = [
    await ownSumsOf(tx, contractId, cycleStart, before!.run),
    await ownSumsOf(tx, contractId, cycleStart, cycle.ratingRunId!),
  ];
  if (ownBefore === null) return fall;
  const none = { records: 0n, amountE8: 0n };
  return suddenFall({ ...was, ...ownBefore }, { ...is, ...(ownAfter ?? none) }, cycle);
}

function guarded({ records, amountE8, cancelled }: Pick<Sums, 'records' | 'amountE8' | 'cancelled'>) {
  return { records: BigInt(records), amountE8: BigInt(amountE8), cancelledRecords: BigInt(cancelled) };
}

function verify(sum: Sums, contractId: string, cycleStart: string): void {
  const where = `cycle ${cycleStart} of contract ${contractId}`;
  if (sum.records !== sum.runRecords || sum.records !== sum.active) {
    throw new TotalsMismatchError(
      `${where}: totals hold ${sum.records} records, the rating run ${sum.runRecords}, ${sum.active} are active; nothing was published`,
    );
  }
  if (sum.amountE8 !== sum.runAmountE8) {
    throw new TotalsMismatchError(
      `${where}: totals add up to ${sum.amountE8}, the rating run to ${sum.runAmountE8} (1e-8 EUR); nothing was published`,
    );
  }
}

/** The new rows are the old ones: the current generation stays, backed by the newer run. */
async function keepCurrent(
  tx: Tx,
  contractId: string,
  cycleStart: string,
  generation: number,
  runId: string,
): Promise<void> {
  await tx.query('delete from total_usage where contract_id = $1 and cycle_start = $2 and generation = $3', [
    contractId,
    cycleStart,
    generation,
  ]);
  await tx.query('delete from total_generation where contract_id = $1 and cycle_start = $2 and generation = $3', [
    contractId,
    cycleStart,
    generation,
  ]);
  await tx.query(
    `update total_generation set rating_run_id = $3 where contract_id = $1 and cycle_start = $2 and state = 'current'`,
    [contractId, cycleStart, runId],
  );
}

/** Every sync task that changed this cycle and was not consumed yet is named by this generation. */
async function consume(
  tx: Tx,
  contractId: string,
  cycleStart: string,
  generation: number,
  unchanged: boolean,
): Promise<void> {
  await tx.query(
    `update sync_task_cycle set generation = $3, unchanged = $4, consumed_at = now()
     where contract_id = $1 and cycle_start = $2 and consumed_at is null`,
    [contractId, cycleStart, generation, unchanged],
  );
}

/** Of a rating that neither readers see nor a person waits for, nothing is kept. */
async function dropOldRuns(tx: Tx, contractId: string, cycleStart: string, runId: string): Promise<void> {
  for (const table of ['rated_cdr', 'allowance_usage'])
    await tx.query(dropRunsFrom(table), [contractId, cycleStart, runId]);
}

const dropRunsFrom = (table: string) => `
  delete from ${table} where contract_id = $1 and cycle_start = $2 and rating_run_id <> $3
    and rating_run_id not in (select g.rating_run_id from total_generation g
      where g.contract_id = $1 and g.cycle_start = $2 and g.state in ('current', 'review'))`;

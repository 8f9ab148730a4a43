/**
 * Publishes a cycle's totals as a new generation (domain.md 4.3), in the caller's transaction: build from the rated
 * records, check against the rating run, compare with the current generation, swap. Readers see exactly one current
 * generation at every moment. Equal totals keep the generation that is there and only note that nothing changed.
 */
import type { Tx } from '../database/session.ts';
import { digestOfRows } from './digest.ts';
import { withLinearJoins } from './linear-joins.ts';

export interface Published {
  readonly cycleStart: string;
  readonly generation: number;
  readonly unchanged: boolean;
  /** sha256 over the sorted rows, hex. */
  readonly digest: string;
  readonly records: number;
  readonly amountE8: string;
}

/** The sums of a new generation are not those of its rating run. Nothing was published. */
export class TotalsMismatchError extends Error {
  override readonly name = 'TotalsMismatchError';
}

export const backupsKept = 5;

/** A statement of its own: what is read about generations needs a snapshot taken after the lock was granted. */
const lockCycle = 'select 1 from cycle where contract_id = $1 and cycle_start = $2 for update';

const readCycle = `
  select y.rating_run_id as "ratingRunId", k.customer_id as "customerId",
    (select max(generation) from total_generation g where g.contract_id = $1 and g.cycle_start = $2) as newest,
    (select generation from total_generation g where g.contract_id = $1 and g.cycle_start = $2 and g.state = 'current') as current,
    (select encode(digest, 'hex') from total_generation g where g.contract_id = $1 and g.cycle_start = $2 and g.state = 'current') as digest
  from cycle y join contract k on k.id = y.contract_id
  where y.contract_id = $1 and y.cycle_start = $2`;

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
  select coalesce(sum(u.records), 0)::bigint as records, coalesce(sum(u.amount_e8), 0)::bigint as "amountE8",
    ${digestOfRows} as digest,
    (select records from rating_run where id = $4) as "runRecords",
    (select amount_e8 from rating_run where id = $4) as "runAmountE8",
    (select count(*) from cdr where contract_id = $1 and cycle_start = $2 and state = 'active') as active
  from total_usage u where u.contract_id = $1 and u.cycle_start = $2 and u.generation = $3`;

interface Sums {
  readonly records: string;
  readonly amountE8: string;
  readonly digest: string;
  readonly runRecords: string;
  readonly runAmountE8: string;
  readonly active: string;
}

/** Throws `TotalsMismatchError` when a sum is off; the transaction must then be rolled back. */
export async function publishTotals(
  tx: Tx,
  contractId: string,
  cycleStart: string,
  reason: string,
): Promise<Published> {
  await tx.query(lockCycle, [contractId, cycleStart]);
  const [cycle] = await tx.query<{
    ratingRunId: string | null;
    customerId: string;
    newest: number | null;
    current: number | null;
    digest: string | null;
  }>(readCycle, [contractId, cycleStart]);
  if (!cycle?.ratingRunId) {
    throw new TotalsMismatchError(`cycle ${cycleStart} of contract ${contractId} has no rating run to publish`);
  }
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
  const unchanged = cycle.current !== null && cycle.digest === sum!.digest;
  if (unchanged) await keepCurrent(tx, contractId, cycleStart, generation, cycle.ratingRunId);
  else await swap(tx, contractId, cycleStart, generation, sum!.digest);
  const published = unchanged ? cycle.current! : generation;
  await consume(tx, contractId, cycleStart, published, unchanged);
  await dropOldRuns(tx, contractId, cycleStart, cycle.ratingRunId);
  const { digest, amountE8 } = sum!;
  return { cycleStart, generation: published, unchanged, digest, records: Number(sum!.records), amountE8 };
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

async function swap(tx: Tx, contractId: string, cycleStart: string, generation: number, digest: string): Promise<void> {
  await tx.query(
    `update total_generation set state = 'backup' where contract_id = $1 and cycle_start = $2 and state = 'current'`,
    [contractId, cycleStart],
  );
  await tx.query(
    `update total_generation set state = 'current', digest = decode($4, 'hex')
     where contract_id = $1 and cycle_start = $2 and generation = $3`,
    [contractId, cycleStart, generation, digest],
  );
  await tx.query(
    `with old as (
       update total_generation set state = 'discarded'
       where contract_id = $1 and cycle_start = $2 and state = 'backup' and pinned_by is null
         and generation not in (select generation from total_generation
           where contract_id = $1 and cycle_start = $2 and state = 'backup' and pinned_by is null
           order by generation desc limit $3)
       returning generation)
     delete from total_usage u using old where u.contract_id = $1 and u.cycle_start = $2 and u.generation = old.generation`,
    [contractId, cycleStart, backupsKept],
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

async function dropOldRuns(tx: Tx, contractId: string, cycleStart: string, runId: string): Promise<void> {
  const run = [contractId, cycleStart, runId];
  await tx.query('delete from rated_cdr where contract_id = $1 and cycle_start = $2 and rating_run_id <> $3', run);
  await tx.query(
    'delete from allowance_usage where contract_id = $1 and cycle_start = $2 and rating_run_id <> $3',
    run,
  );
}

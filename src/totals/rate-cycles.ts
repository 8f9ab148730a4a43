/**
 * `rate`: rates every cycle of the contract whose records changed since its last rating run, whoever changed them, so that
 * a cycle that an earlier, broken sync left behind is taken along. The records are exported in (started_at, record_key)
 * order on a read-only session, rated in the compute pool, and stored with one COPY per cycle.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { StepContext } from '../chains/define.ts';
import type { ComputePool } from '../compute/pool.ts';
import type { RateCycleResult } from '../compute/tasks/messages.ts';
import type { ReadSession, Tx } from '../database/session.ts';
import { ratedSpoolColumns } from '../telecom/cdr-columns.ts';
import { readAllowances, storeAllowanceUsage } from './allowance-store.ts';
import { lockContract } from './cycles.ts';
import { exportRecords } from './export-records.ts';
import { type RatedAdjustments, rateAdjustments, storeAdjustments } from './rate-adjustments.ts';
import { readTariff, type StoredTariff } from './tariff-store.ts';

export interface RatedCycle {
  readonly contractId: string;
  readonly cycleStart: string;
  readonly revision: string;
  readonly ratingRunId: string;
  readonly timeZone: string;
  readonly tariffHash: Buffer;
  readonly tariffVersions: readonly string[];
  readonly zoneSets: readonly string[];
  readonly ratedPath: string;
  /** What of it adjusts closed cycles, rated with their tariffs. */
  readonly adjustments: RatedAdjustments;
  /** Adjustments included. */
  readonly result: RateCycleResult;
}

interface CycleToRate {
  readonly cycleStart: string;
  readonly revision: string;
}

export const staleCycles = `
  select to_char(y.cycle_start, 'YYYY-MM-DD') as "cycleStart", y.revision
  from cycle y left join rating_run r on r.id = y.rating_run_id
  where y.contract_id = $1 and y.revision > 0 and y.state in ('open', 'grace') and (r.id is null or r.revision <> y.revision) order by y.cycle_start`;

export const oneCycle = `
  select to_char(cycle_start, 'YYYY-MM-DD') as "cycleStart", revision, state from cycle where contract_id = $1 and cycle_start = $2`;

/** Throws when the contract has no tariff: its records cannot be rated by anything, and a person has to name one. */
export async function readContractTariff(
  session: ReadSession,
  contractId: string,
): Promise<{ tariff: StoredTariff; timeZone: string; about: string }> {
  const [contract] = await session.query<{
    tariff_id: string | null;
    time_zone: string;
    account_no: string;
    customer: string;
  }>(
    `select k.tariff_id, k.time_zone, k.account_no, c.code as customer
     from contract k join customer c on c.id = k.customer_id where k.id = $1`,
    [contractId],
  );
  if (!contract?.tariff_id) {
    throw new Error(
      `contract ${contractId} (account ${contract?.account_no ?? 'unknown'}) has no tariff; name one in its customer document and apply it`,
    );
  }
  const about = `${contract.customer}/${contract.account_no}`;
  return { tariff: await readTariff(session, contract.tariff_id), timeZone: contract.time_zone, about };
}

/**
 * Rates one cycle into a spool file. The caller stores it with `storeRatedCycle` in its completing transaction. `takes`: allowances are
 * part of what the contract's own tariff sells, and of no other price.
 */
export async function rateCycle(
  compute: ComputePool,
  context: StepContext<unknown>,
  contractId: string,
  cycle: CycleToRate,
  tariff: StoredTariff,
  timeZone: string,
  takes: 'allowances' | 'no allowances' = 'allowances',
): Promise<RatedCycle> {
  const directory = await context.spoolDirectory();
  const recordsPath = join(directory, `records-${cycle.cycleStart}.copy`);
  const ratedPath = join(directory, `rated-${cycle.cycleStart}.copy`);
  // contract and cycle come from rows, checked to be an id and a date before they are put into COPY, which takes no parameters
  await context.read.copyOut(exportRecords(contractId, cycle.cycleStart), createWriteStream(recordsPath));
  const allowances = takes === 'allowances' ? await readAllowances(context.read, contractId) : [];
  const ratingRunId = BigInt(`0x${randomBytes(6).toString('hex')}`).toString();
  const { result: own } = await compute.run(
    {
      task: 'rate-cycle',
      recordsPath,
      ratedPath,
      contractId,
      cycleStart: cycle.cycleStart,
      ratingRunId,
      timeZone,
      tariff: tariff.bundle,
      allowances,
    },
    { signal: context.signal, onProgress: (done, total) => context.progress(done, total, 'bytes') },
  );
  const { revision, cycleStart } = cycle;
  const { versionIds: tariffVersions, zoneSetIds: zoneSets } = tariff;
  const tariffHash = createHash('sha256').update(tariff.hash).update(JSON.stringify(allowances)).digest();
  const run = { contractId, cycleStart, ratingRunId, timeZone };
  const { result, ...adjustments } = await rateAdjustments(compute, context, run, own);
  return { ...run, revision, tariffHash, tariffVersions, zoneSets, ratedPath, adjustments, result };
}

/** The cycle's records changed between their export and this transaction; the step is run again on the new ones. */
export class CycleChangedError extends Error {
  override readonly name = 'CycleChangedError';
}

/** Stores run and rated records and makes the run the cycle's newest. */
export async function storeRatedCycle(tx: Tx, rated: RatedCycle): Promise<void> {
  const { contractId, cycleStart, result } = rated;
  await lockContract(tx, contractId);
  const [cycle] = await tx.query<{ revision: string }>(
    'select revision from cycle where contract_id = $1 and cycle_start = $2 for update',
    [contractId, cycleStart],
  );
  if (cycle?.revision !== rated.revision) {
    throw new CycleChangedError(
      `cycle ${cycleStart} of contract ${contractId} changed while it was rated; rating it again`,
    );
  }
  await tx.query(
    `insert into rating_run (id, contract_id, cycle_start, revision, tariff_hash, records, rated, unrated, excluded, amount_e8,
       tariff_versions, zone_sets)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      rated.ratingRunId,
      contractId,
      cycleStart,
      rated.revision,
      rated.tariffHash,
      result.records,
      result.rated,
      result.unrated,
      result.excluded,
      result.amountE8.toString(),
      rated.tariffVersions,
      rated.zoneSets,
    ],
  );
  const copied = await tx.copyIn(
    `copy rated_cdr (${ratedSpoolColumns.join(', ')}) from stdin`,
    createReadStream(rated.ratedPath),
  );
  const rows = copied + (await storeAdjustments(tx, rated));
  if (rows !== result.records) {
    throw new Error(
      `cycle ${cycleStart} of contract ${contractId}: ${rows} rated rows stored, ${result.records} rated`,
    );
  }
  await storeAllowanceUsage(tx, rated, result.allowances);
  await tx.query('update cycle set rating_run_id = $3 where contract_id = $1 and cycle_start = $2', [
    contractId,
    cycleStart,
    rated.ratingRunId,
  ]);
  await tx.query(
    `delete from rated_cdr r where contract_id = $1 and cycle_start = $2 and rating_run_id <> $3
       and not exists (select 1 from total_generation g where g.contract_id = $1 and g.cycle_start = $2
         and g.state in ('current', 'review') and g.rating_run_id = r.rating_run_id)`,
    [contractId, cycleStart, rated.ratingRunId],
  );
}

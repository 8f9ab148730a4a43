/**
 * `rate`: rates every cycle of the contract whose records changed since its last rating run, whoever changed them, so that
 * a cycle that an earlier, broken sync left behind is taken along. The records are exported in (started_at, record_key)
 * order on a read-only session, rated in the compute pool, and stored with one COPY per cycle.
 */
import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { StepContext } from '../chains/define.ts';
import type { ComputePool } from '../compute/pool.ts';
import type { RateCycleResult } from '../compute/tasks/messages.ts';
import type { ReadSession, Tx } from '../database/session.ts';
import { ratedSpoolColumns } from '../telecom/cdr-columns.ts';
import { readTariff, type StoredTariff } from './tariff-store.ts';

export interface RatedCycle {
  readonly contractId: string;
  readonly cycleStart: string;
  readonly revision: string;
  readonly ratingRunId: string;
  readonly tariffHash: Buffer;
  readonly ratedPath: string;
  readonly result: RateCycleResult;
}

interface CycleToRate {
  readonly cycleStart: string;
  readonly revision: string;
}

export const staleCycles = `
  select to_char(y.cycle_start, 'YYYY-MM-DD') as "cycleStart", y.revision
  from cycle y left join rating_run r on r.id = y.rating_run_id
  where y.contract_id = $1 and y.revision > 0 and (r.id is null or r.revision <> y.revision) order by y.cycle_start`;

export const oneCycle = `
  select to_char(cycle_start, 'YYYY-MM-DD') as "cycleStart", revision from cycle where contract_id = $1 and cycle_start = $2`;

/** Throws when the contract has no tariff: its records cannot be rated by anything, and a person has to name one. */
export async function readContractTariff(
  session: ReadSession,
  contractId: string,
): Promise<{ tariff: StoredTariff; timeZone: string }> {
  const [contract] = await session.query<{ tariff_id: string | null; time_zone: string; account_no: string }>(
    'select tariff_id, time_zone, account_no from contract where id = $1',
    [contractId],
  );
  if (!contract?.tariff_id) {
    throw new Error(
      `contract ${contractId} (account ${contract?.account_no ?? 'unknown'}) has no tariff; name one in its customer document and apply it`,
    );
  }
  return { tariff: await readTariff(session, contract.tariff_id), timeZone: contract.time_zone };
}

/** Rates one cycle into a spool file. The caller stores it with `storeRatedCycle` in its completing transaction. */
export async function rateCycle(
  compute: ComputePool,
  context: StepContext<unknown>,
  contractId: string,
  cycle: CycleToRate,
  tariff: StoredTariff,
  timeZone: string,
): Promise<RatedCycle> {
  const directory = await context.spoolDirectory();
  const recordsPath = join(directory, `records-${cycle.cycleStart}.copy`);
  const ratedPath = join(directory, `rated-${cycle.cycleStart}.copy`);
  // contract and cycle come from rows, checked to be an id and a date before they are put into COPY, which takes no parameters
  await context.read.copyOut(exportRecords(contractId, cycle.cycleStart), createWriteStream(recordsPath));
  const ratingRunId = BigInt(`0x${randomBytes(6).toString('hex')}`).toString();
  const { result } = await compute.run(
    {
      task: 'rate-cycle',
      recordsPath,
      ratedPath,
      contractId,
      cycleStart: cycle.cycleStart,
      ratingRunId,
      timeZone,
      tariff: tariff.bundle,
    },
    { signal: context.signal, onProgress: (done, total) => context.progress(done, total, 'bytes') },
  );
  const { revision, cycleStart } = cycle;
  return { contractId, cycleStart, revision, ratingRunId, tariffHash: tariff.hash, ratedPath, result };
}

/** The COPY statement of a cycle's active records, in the order in which they are rated. Throws unless given an id and a date. */
export function exportRecords(contractId: string, cycleStart: string): string {
  if (!/^\d+$/.test(contractId) || !/^\d{4}-\d{2}-\d{2}$/.test(cycleStart)) {
    throw new Error(`contract ${contractId}, cycle ${cycleStart}: not an id and a date`);
  }
  return `copy (
    select id, msisdn, kind, category, b_prefix, visited, (extract(epoch from started_at) * 1000)::bigint,
      usage_s, usage_octets, usage_count, provider_amount_e8
    from cdr where contract_id = ${contractId} and cycle_start = '${cycleStart}' and state = 'active'
    order by started_at, record_key) to stdout`;
}

/** The cycle's records changed between their export and this transaction; the step is run again on the new ones. */
export class CycleChangedError extends Error {
  override readonly name = 'CycleChangedError';
}

/** Stores run and rated records and makes the run the cycle's newest. */
export async function storeRatedCycle(tx: Tx, rated: RatedCycle): Promise<void> {
  const { contractId, cycleStart, result } = rated;
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
    `insert into rating_run (id, contract_id, cycle_start, revision, tariff_hash, records, rated, unrated, excluded, amount_e8)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
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
    ],
  );
  const rows = await tx.copyIn(
    `copy rated_cdr (${ratedSpoolColumns.join(', ')}) from stdin`,
    createReadStream(rated.ratedPath),
  );
  if (rows !== result.records) {
    throw new Error(
      `cycle ${cycleStart} of contract ${contractId}: ${rows} rated rows stored, ${result.records} rated`,
    );
  }
  await tx.query('update cycle set rating_run_id = $3 where contract_id = $1 and cycle_start = $2', [
    contractId,
    cycleStart,
    rated.ratingRunId,
  ]);
  await tx.query(
    `delete from rated_cdr r where contract_id = $1 and cycle_start = $2 and rating_run_id <> $3
       and not exists (select 1 from total_generation g where g.contract_id = $1 and g.cycle_start = $2
         and g.state = 'current' and g.rating_run_id = r.rating_run_id)`,
    [contractId, cycleStart, rated.ratingRunId],
  );
}

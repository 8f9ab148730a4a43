/**
 * Prices of records that adjust closed cycles (adjustments.ts). A late or corrected record is rated by its own start with
 * the tariff versions that the closed cycle's published totals were rated with, whatever was loaded since, so that it costs
 * what it would have cost in time. It takes nothing from an allowance: those of its own cycle are settled, and those of the
 * open one belong to the open one's records. A reversal is not rated; it has its amount. All of them are part of the open
 * cycle's rating run.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { StepContext } from '../chains/define.ts';
import type { ComputePool } from '../compute/pool.ts';
import type { RateCycleResult } from '../compute/tasks/messages.ts';
import type { ReadSession, Tx } from '../database/session.ts';
import { ratedSpoolColumns } from '../telecom/cdr-columns.ts';
import { exportRecords } from './export-records.ts';
import { readTariffVersions, type StoredTariff } from './tariff-store.ts';

export interface RatedAdjustments {
  readonly ratedPaths: readonly string[];
  readonly reversals: number;
}

export interface AdjustedRun {
  readonly contractId: string;
  readonly cycleStart: string;
  readonly ratingRunId: string;
  readonly timeZone: string;
}

const adjustedCycles = `
  select to_char(adjusts_cycle, 'YYYY-MM-DD') as cycle, count(*) filter (where reverses_cdr is null)::float8 as records,
    count(reverses_cdr)::float8 as reversals, coalesce(sum(reversed_amount_e8), 0)::bigint as "reversedE8"
  from cdr where contract_id = $1 and cycle_start = $2 and state = 'active' and adjusts_cycle is not null
  group by adjusts_cycle order by adjusts_cycle`;

/** Rates what adjusts closed cycles into spool files of their own; `result` is `own`, the cycle's own records, with them added. */
export async function rateAdjustments(
  compute: ComputePool,
  context: StepContext<unknown>,
  run: AdjustedRun,
  own: RateCycleResult,
): Promise<RatedAdjustments & { result: RateCycleResult }> {
  const { contractId, cycleStart } = run;
  const cycles = await context.read.query<{ cycle: string; records: number; reversals: number; reversedE8: string }>(
    adjustedCycles,
    [contractId, cycleStart],
  );
  const ratedPaths: string[] = [];
  let result = own;
  let reversals = 0;
  for (const { cycle, records, ...reversed } of cycles) {
    reversals += reversed.reversals;
    result = added(result, reversalsAsResult(reversed.reversals, BigInt(reversed.reversedE8)));
    if (records === 0) continue;
    const { bundle } = await readClosedTariff(context.read, contractId, cycle);
    const directory = await context.spoolDirectory();
    const recordsPath = join(directory, `records-${cycleStart}-of-${cycle}.copy`);
    const ratedPath = join(directory, `rated-${cycleStart}-of-${cycle}.copy`);
    await context.read.copyOut(exportRecords(contractId, cycleStart, cycle), createWriteStream(recordsPath));
    const rated = await compute.run(
      { task: 'rate-cycle', recordsPath, ratedPath, ...run, tariff: bundle },
      { signal: context.signal, onProgress: (done, total) => context.progress(done, total, 'bytes') },
    );
    ratedPaths.push(ratedPath);
    result = added(result, rated.result);
  }
  return { ratedPaths, reversals, result };
}

const closedVersions = `
  select r.tariff_versions as versions, r.zone_sets as zones from total_generation g join rating_run r on r.id = g.rating_run_id
  where g.contract_id = $1 and g.cycle_start = $2 and g.state = 'current'`;

/** The tariff that a closed cycle's totals were rated with. */
export async function readClosedTariff(session: ReadSession, contractId: string, cycle: string): Promise<StoredTariff> {
  const [run] = await session.query<{ versions: readonly string[]; zones: readonly string[] }>(closedVersions, [
    contractId,
    cycle,
  ]);
  if (!run)
    throw new Error(
      `contract ${contractId}: the closed cycle ${cycle} has no totals, so nothing can be rated as in it`,
    );
  return readTariffVersions(session, run.versions, run.zones);
}

function reversalsAsResult(records: number, amountE8: bigint): RateCycleResult {
  return { records, rated: records, unrated: 0, excluded: 0, amountE8, unratedReasons: {}, allowances: [] };
}

function added(a: RateCycleResult, b: RateCycleResult): RateCycleResult {
  const unratedReasons: Record<string, number> = { ...a.unratedReasons };
  for (const [reason, count] of Object.entries(b.unratedReasons))
    unratedReasons[reason] = (unratedReasons[reason] ?? 0) + count;
  return {
    records: a.records + b.records,
    rated: a.rated + b.rated,
    unrated: a.unrated + b.unrated,
    excluded: a.excluded + b.excluded,
    amountE8: a.amountE8 + b.amountE8,
    unratedReasons,
    allowances: [...a.allowances, ...b.allowances],
  };
}

const insertReversals = `
  insert into rated_cdr (contract_id, cycle_start, rating_run_id, cdr_id, billed_usage, amount_e8, status, reason)
  select contract_id, cycle_start, $3, id, 0, reversed_amount_e8, 'rated', 'reversal of a record of cycle ' || reverses_cycle
  from cdr where contract_id = $1 and cycle_start = $2 and state = 'active' and reverses_cdr is not null returning 1`;

/** Stores what `rateAdjustments` rated; resolves to the number of rows. */
export async function storeAdjustments(
  tx: Tx,
  rated: AdjustedRun & { readonly adjustments: RatedAdjustments },
): Promise<number> {
  const { contractId, cycleStart, ratingRunId, adjustments } = rated;
  let rows = 0;
  for (const path of adjustments.ratedPaths) {
    rows += await tx.copyIn(`copy rated_cdr (${ratedSpoolColumns.join(', ')}) from stdin`, createReadStream(path));
  }
  if (adjustments.reversals === 0) return rows;
  return rows + (await tx.query(insertReversals, [contractId, cycleStart, ratingRunId])).length;
}

/**
 * The last two commands of every sync chain, whatever the provider: `rate` and `totals`, and the two of a manual
 * recalculation. Several cycles of one contract are rated and published by one chain, in one transaction each step.
 */
import { z } from 'zod';
import type { Alerts } from '../alerts/alerts.ts';
import { type ChainDefinition, chain, failed, type Handler, succeeded } from '../chains/define.ts';
import type { ComputePool } from '../compute/pool.ts';
import type { Tx } from '../database/session.ts';
import { isClosed, lockContract } from './cycles.ts';
import { pinCurrent } from './generations.ts';
import { type Published, publishTotals } from './publish.ts';
import {
  oneCycle,
  type RatedCycle,
  rateCycle,
  readContractTariff,
  staleCycles,
  storeRatedCycle,
} from './rate-cycles.ts';
import { endUnknownCodes, reportUnrated } from './unrated-alerts.ts';

/** What these steps need to know of a sync, whatever its provider. */
export interface SyncedContract {
  readonly contractId: string;
  readonly syncTaskId: string;
}

export function rateStale(compute: ComputePool, alerts: Alerts): Handler<SyncedContract> {
  return async (context) => {
    const { contractId } = context.input;
    const cycles = await context.read.query<{ cycleStart: string; revision: string }>(staleCycles, [contractId]);
    if (cycles.length === 0) return succeeded({ output: { cycles: [], records: 0 } });
    const { tariff, timeZone, about } = await readContractTariff(context.read, contractId);
    const rated: RatedCycle[] = [];
    for (const cycle of cycles) rated.push(await rateCycle(compute, context, contractId, cycle, tariff, timeZone));
    for (const one of rated) reportUnrated(alerts, about, one);
    await endUnknownCodes(context.read, alerts, { contractId, about, rated });
    const records = rated.reduce((sum, one) => sum + one.result.records, 0);
    const unrated = rated.reduce((sum, one) => sum + one.result.unrated, 0);
    return succeeded({
      output: { cycles: cycles.map((cycle) => cycle.cycleStart), records, unrated },
      commit: async (tx) => {
        for (const one of rated) await storeRatedCycle(tx, one);
      },
    });
  };
}

/**
 * Cycles whose newest rating run no generation was built from yet; one that waits for a person or was discarded is a
 * generation too. A cycle that an import changed after it was rated is left to that import's own chain.
 */
const cyclesToPublish = `
  select to_char(y.cycle_start, 'YYYY-MM-DD') as "cycleStart" from cycle y
  join rating_run r on r.id = y.rating_run_id and r.revision = y.revision
  where y.contract_id = $1 and y.state in ('open', 'grace') and not exists (
    select 1 from total_generation g where g.contract_id = y.contract_id and g.cycle_start = y.cycle_start
      and g.rating_run_id = y.rating_run_id)
  order by y.cycle_start`;

export function publishStale(): Handler<SyncedContract> {
  return async (context) => {
    const { contractId, syncTaskId } = context.input;
    return succeeded({
      commit: async (tx) => {
        const published = await publishContract(tx, contractId, syncTaskId);
        await finishTask(tx, syncTaskId, contractId, published.filter(({ review }) => review !== null).length);
        return published.map((one) => ({ ...one }));
      },
    });
  };
}

/** The totals of a contract whose newest ratings were not published yet. */
export async function publishContract(tx: Tx, contractId: string, syncTaskId: string): Promise<readonly Published[]> {
  // imports of this contract wait until the swap is done, and the other way round
  await lockContract(tx, contractId);
  const cycles = await tx.query<{ cycleStart: string }>(cyclesToPublish, [contractId]);
  const published: Published[] = [];
  for (const { cycleStart } of cycles) {
    published.push(await publishTotals(tx, contractId, cycleStart, `sync task ${syncTaskId}`));
  }
  return published;
}

/** A task that changed nothing is consumed by what is there; every completed task is named by a generation or such a note. */
export async function finishTask(tx: Tx, syncTaskId: string, contractId: string, waiting: number): Promise<void> {
  await tx.query(
    `insert into sync_task_cycle (sync_task_id, contract_id, cycle_start, generation, unchanged, consumed_at)
     select t.id, $2, t.cycle_start, g.generation, true, now()
     from sync_task t left join total_generation g
       on g.contract_id = $2 and g.cycle_start = t.cycle_start and g.state = 'current'
     where t.id = $1 and not exists (select 1 from sync_task_cycle where sync_task_id = $1)`,
    [syncTaskId, contractId],
  );
  const counts = waiting === 0 ? {} : { totalsWaitingForReview: waiting };
  await tx.query(
    `update sync_task set status = 'succeeded', finished_at = now(), counts = counts || $2::jsonb where id = $1`,
    [syncTaskId, JSON.stringify(counts)],
  );
  await tx.query(
    `update sync_profile set consecutive_failures = 0
     where id = (select profile_id from sync_task where id = $1)`,
    [syncTaskId],
  );
}

export const recalculateInput = z.strictObject({
  contractId: z.string().regex(/^[0-9]+$/),
  cycleStart: z.iso.date(),
  requestedBy: z.string().min(1),
});
export type RecalculateInput = z.infer<typeof recalculateInput>;

/** `backup` pins the current generation with who and why; `calculate` rates all records again with today's tariff and swaps. */
export function recalculation(compute: ComputePool, alerts: Alerts): ChainDefinition<RecalculateInput> {
  return chain('totals-recalculate', recalculateInput)
    .step('backup', async (context) => {
      const { contractId, cycleStart, requestedBy } = context.input;
      const [cycle] = await context.read.query<{ state: string }>(oneCycle, [contractId, cycleStart]);
      if (cycle && isClosed(cycle.state)) return failed(`cycle ${cycleStart} was closed; reopen it first`);
      return succeeded({ commit: async (tx) => ({ ...(await pinCurrent(tx, contractId, cycleStart, requestedBy)) }) });
    })
    .step('calculate', async (context) => {
      const { contractId, cycleStart, requestedBy } = context.input;
      const [cycle] = await context.read.query<{ cycleStart: string; revision: string }>(oneCycle, [
        contractId,
        cycleStart,
      ]);
      if (!cycle) throw new Error(`contract ${contractId} has no cycle ${cycleStart}`);
      const { tariff, timeZone, about } = await readContractTariff(context.read, contractId);
      const rated = await rateCycle(compute, context, contractId, cycle, tariff, timeZone);
      reportUnrated(alerts, about, rated);
      return succeeded({
        commit: async (tx) => {
          await storeRatedCycle(tx, rated);
          return { ...(await publishTotals(tx, contractId, cycleStart, `recalculation by ${requestedBy}`)) };
        },
      });
    });
}

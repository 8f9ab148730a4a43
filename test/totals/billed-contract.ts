/** A contract that is delivered to, rated, published and closed by the product's own steps, on a real database. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { chain } from '../../src/chains/define.ts';
import { openComputePool } from '../../src/compute/open-pool.ts';
import type { Database } from '../../src/database/session.ts';
import { closeCycle } from '../../src/totals/closing.ts';
import { ensureCycles, lockContract, touchCycles } from '../../src/totals/cycles.ts';
import { mergeRecords } from '../../src/totals/merge-records.ts';
import { reopenCycle } from '../../src/totals/reopening.ts';
import { publishStale, rateStale, recalculation } from '../../src/totals/steps.ts';
import { loadTariff } from '../../src/totals/tariff-store.ts';
import { type Harness, harness, isState } from '../chains/harness.ts';
import { makeContract, makeFile, type TestContract } from '../support/contract.ts';

export interface Call {
  readonly id: string;
  /** `2026-03-10`; its cycle is the month. */
  readonly day: string;
  readonly seconds: number;
  readonly correction?: 'C' | 'D';
  readonly original?: string;
  /** A prefix without a price is unrated. */
  readonly prefix?: string;
}

export const by = { by: 'anna@cli', reason: 'a test' };

export interface BillingWorld {
  readonly h: Harness;
  readonly database: Database;
  /** Price of a second, in 1e-8 EUR, loaded as a corrected tariff. */
  loadPrice(centsPerMinute: number, prefixes?: readonly string[]): Promise<void>;
  contract(): Promise<BilledContract>;
  /** The cycle that is open today. */
  openCycle(): Promise<string>;
  close(): Promise<void>;
}

export interface BilledContract extends TestContract {
  /** The customer's. */
  readonly code: string;
  /** Merges a file, as an import does; the same `seq` again is a re-delivery. */
  deliver(calls: readonly Call[], seq?: number): Promise<readonly string[]>;
  /** `rate` and `totals` of a sync. */
  settle(): Promise<void>;
  /** Resolves to how the recalculation's chain ended. */
  recalculate(cycle: string): Promise<{ state: string; reason: string | null }>;
  closeCycle(cycle: string): Promise<void>;
  reopenCycle(cycle: string): Promise<readonly string[]>;
  /** Current totals by cycle. */
  totals(): Promise<Record<string, { records: number; amount: number; digest: string; state: string }>>;
}

const silent = { raise() {}, resolve() {}, flush: async () => {} };

export async function billingWorld(): Promise<BillingWorld> {
  const h = await harness();
  const { database } = h;
  const compute = openComputePool({ threads: 1 });
  const directory = mkdtempSync(join(tmpdir(), 'billed-'));
  const recalculate = recalculation(compute, silent);
  const settle = chain('settle', z.strictObject({ contractId: z.string(), syncTaskId: z.string() }))
    .step('rate', rateStale(compute, silent))
    .step('totals', publishStale());
  h.engine([settle, recalculate]);
  const enqueue = h.enqueueWith([settle, recalculate]);
  let contracts = 0;

  async function run(
    definition: typeof settle | typeof recalculate,
    input: object,
  ): Promise<{ state: string; reason: string }> {
    const { chainId } = await enqueue(database, definition as typeof settle, input as never);
    return (await h.chainUntil(chainId, isState('succeeded', 'failed', 'dead'), 20_000)) as never;
  }

  return {
    h,
    database,
    async loadPrice(centsPerMinute, prefixes = ['316']) {
      await database.transaction((tx) => loadTariff(tx, tariff(centsPerMinute, prefixes)));
    },
    async openCycle() {
      const [row] = await database.query<{ cycle: string }>(
        `select to_char(date_trunc('month', now() at time zone 'Europe/Amsterdam'), 'YYYY-MM-DD') as cycle`,
      );
      return row!.cycle;
    },
    async contract() {
      contracts += 1;
      const code = `B${contracts}`;
      const contract = await makeContract(database, code, String(contracts).padStart(10, '0'));
      const { contractId } = contract;
      await database.query('update contract set tariff_id = (select min(id) from tariff) where id = $1', [contractId]);
      const files = new Map<number, number>();
      return {
        ...contract,
        code,
        async deliver(calls, seq = files.size + 1) {
          const version = (files.get(seq) ?? 0) + 1;
          files.set(seq, version);
          const file = await makeFile(database, contract, seq, version);
          const spoolPath = join(directory, `${file.rawFileId}.copy`);
          writeFileSync(spoolPath, calls.map(spoolRow).join(''));
          return database.transaction(async (tx) => {
            await lockContract(tx, contractId);
            const cycles = [...new Set(calls.map(cycleOf))];
            await ensureCycles(tx, { id: contractId, cycleDay: 1, timeZone: 'Europe/Amsterdam' }, cycles);
            const fileCycle = cycles.toSorted()[0] ?? '2026-03-01';
            const merge = { ...file, fileCycle, spoolPath, rows: calls.length };
            const touched = await mergeRecords(tx, contractId, [merge]);
            await touchCycles(tx, contractId, touched);
            return touched;
          });
        },
        async settle() {
          const [task] = await database.query<{ id: string }>(
            `insert into sync_task (profile_id, requested_by, cycle_start) values ($1, 'test', '2026-03-01') returning id`,
            [contract.profileId],
          );
          const { state, reason } = await run(settle, { contractId, syncTaskId: task!.id });
          if (state !== 'succeeded') throw new Error(`rate and totals ended as ${state}: ${reason}`);
        },
        recalculate: (cycleStart) => run(recalculate, { contractId, cycleStart, requestedBy: 'test' }),
        closeCycle: (cycle) => database.transaction((tx) => closeCycle(tx, contractId, cycle, by)),
        reopenCycle: async (cycle) =>
          (await database.transaction((tx) => reopenCycle(tx, contractId, cycle, by))).touched,
        async totals() {
          const rows = await database.query(
            `select to_char(y.cycle_start, 'YYYY-MM-DD') as cycle, y.state, encode(g.digest, 'hex') as digest,
               coalesce(sum(u.records), 0)::float8 as records, coalesce(sum(u.amount_e8), 0)::float8 as amount
             from cycle y join total_generation g on g.contract_id = y.contract_id and g.cycle_start = y.cycle_start and g.state = 'current'
             left join total_usage u on u.contract_id = g.contract_id and u.cycle_start = g.cycle_start and u.generation = g.generation
             where y.contract_id = $1 group by y.cycle_start, y.state, g.digest order by 1`,
            [contractId],
          );
          return Object.fromEntries(rows.map(({ cycle, ...total }) => [cycle, total as never]));
        },
      };
    },
    async close() {
      await h.close();
      await compute.close();
      rmSync(directory, { recursive: true });
    },
  };
}

export const cycleOf = ({ day }: Call): string => `${day.slice(0, 7)}-01`;

function tariff(centsPerMinute: number, prefixes: readonly string[]) {
  const price = `${(centsPerMinute / 100).toFixed(2)}`;
  const steps = [{ from: 0, price, per: 60, first: 1, next: 1 }];
  const rules = [{ id: 'mobile', kind: 'voice', match: { prefixes }, steps }];
  return {
    tariff: 'flat',
    provider: 'KPN',
    currency: 'EUR',
    timeZone: 'Europe/Amsterdam',
    versions: [{ validFrom: '2026-01-01T00:00:00', validTo: null, rules }],
  };
}

function spoolRow(call: Call, index: number): string {
  const hex = (text: string) => `\\\\x${Buffer.from(text).toString('hex')}`;
  const content = createHash('sha256').update(`${call.day} ${call.seconds} ${call.prefix}`).digest().readInt32BE();
  const { id, day, seconds, original, correction = ' ', prefix = '3161234' } = call;
  const keys = [index + 2, hex(id), original ? hex(original) : '\\N', correction, content, cycleOf(call)];
  const who = ['31612345678', 'voice', '1100', 'national-mobile', '\\N', prefix, `+${prefix}****`, '\\N'];
  const when = [`${day} 10:00:00+00`, `${day} 12:00:00`, 'f', 'f'];
  return `${[...keys, ...who, ...when, seconds, 0, 1, seconds, '21', 'f', 0].join('\t')}\n`;
}

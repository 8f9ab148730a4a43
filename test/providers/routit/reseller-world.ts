/**
 * A reseller at the simulated provider, on loopback, and this product's chains on a real database: what a test asks of them is
 * what became of every delivery, which alerts are open, and whether totals are the truth. Chains that wait for a time are told
 * that it has come.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { customersForm } from '../../../simulator/account.ts';
import type { ServedProviders } from '../../../simulator/http/serve.ts';
import type { AlertInput } from '../../../src/alerts/alerts.ts';
import { openArchive } from '../../../src/archive/archive.ts';
import type { Json } from '../../../src/chains/define.ts';
import { openComputePool } from '../../../src/compute/open-pool.ts';
import { applyCustomers } from '../../../src/customers/apply.ts';
import type { Database } from '../../../src/database/session.ts';
import { routItChains } from '../../../src/providers/routit/chain.ts';
import type { RoutItServices } from '../../../src/providers/routit/services.ts';
import type { ProviderSession, SessionResult } from '../../../src/providers/session.ts';
import { type DueProfile, openSyncTask, profileColumns } from '../../../src/providers/sync-task.ts';
import { oracleBreaches } from '../../../src/totals/oracle.ts';
import { loadTariff } from '../../../src/totals/tariff-store.ts';
import { harness, until } from '../../chains/harness.ts';
import { control, secrets, serve } from '../../simulator/http/served.ts';

export interface EndedSync {
  readonly taskId: string;
  readonly state: string;
  readonly reason: string | null;
  readonly status: string;
  readonly counts: Readonly<Record<string, number>>;
}

export interface ResellerWorld {
  readonly database: Database;
  readonly url: string;
  /** Of the archive. */
  readonly directory: string;
  readonly served: ServedProviders;
  /** `rule subject` of what is open. */
  openAlerts(): readonly string[];
  messageOf(rule: string): string;
  /** Opens a sync; `ended` resolves when somebody has brought it to its end. */
  begin(options?: { force?: boolean }): Promise<{ ended(): Promise<EndedSync> }>;
  work(): void;
  /** Runs a sync to its end. */
  sync(options?: { force?: boolean }): Promise<EndedSync>;
  /** What differs from the truth of now, and whether the oracle sees a breach. */
  differences(): Promise<readonly string[]>;
  /** `customer period` to `state`, or `state: reason`. */
  deliveries(): Promise<Readonly<Record<string, string>>>;
  /** What the actor heard of the sessions. */
  readonly sessions: { readonly results: SessionResult[]; readonly pauses: number[] };
  faults(...plan: readonly unknown[]): Promise<void>;
  applyCustomers(change: (form: CustomersForm) => void): Promise<void>;
  close(): Promise<void>;
}

export interface CustomersForm {
  customers: {
    code: string;
    name?: string;
    numberMask?: number;
    contracts: {
      account: string;
      tariff?: string;
      provider?: string;
      subscriptions: { msisdn: string }[];
      profiles?: { transport: object }[];
    }[];
  }[];
}

export async function resellerWorld(
  options: {
    records?: number;
    faults?: readonly unknown[];
    services?: Partial<RoutItServices>;
    /** False: other processes do the work, until `work`. */
    works?: boolean;
  } = {},
): Promise<ResellerWorld> {
  const served = await serve(['ROUTIT'], { records: options.records ?? 800, faults: options.faults ?? [] });
  const h = await harness();
  const directory = mkdtempSync(join(tmpdir(), 'reseller-'));
  const open = new Map<string, AlertInput>();
  const sessions: { results: SessionResult[]; pauses: number[] } = { results: [], pauses: [] };
  const alerts = {
    raise: (alert: AlertInput) => void open.set(`${alert.rule} ${alert.subject}`, alert),
    resolve: (rule: string, subject: string) => void open.delete(`${rule} ${subject}`),
    flush: async () => {},
  };
  const session = (): ProviderSession => ({
    permit: async () => ({ kind: 'granted' }),
    pauseAll: async (afterMs) => void sessions.pauses.push(afterMs),
    token: null,
    keepToken() {},
    release: (result) => void sessions.results.push(result),
  });
  const services = { ...(await routItServices(directory, alerts, session)), ...options.services };
  const definitions = routItChains(services);
  const work = () => h.engine(definitions, { lanes: 8, alerts });
  let engine = options.works === false ? null : work();
  const enqueue = h.enqueueWith(definitions);
  const form = customersForm(served.contracts) as CustomersForm;
  const { database } = h;
  await database.transaction(async (tx) => {
    for (const tariff of served.tariffs) await loadTariff(tx, tariff);
    await applyCustomers(tx, form);
  });

  async function begin({ force = false } = {}) {
    const [profile] = await database.query<DueProfile>(
      `select ${profileColumns} from sync_profile p join contract k on k.id = p.contract_id join customer c on c.id = k.customer_id`,
    );
    const decision = { result: 'routed', syncType: 'ROUTIT', chain: 'routit' } as const;
    const opened = await database.transaction((tx) =>
      openSyncTask(
        tx,
        profile!,
        decision,
        async (inTx, chain, input, how) => (await enqueue(inTx, chain, input as Json, how)).chainId,
        { requestedBy: 'test', force },
      ),
    );
    return {
      async ended() {
        await until(
          async () => {
            await database.query(`update chain set run_at = now() where state = 'timer'`);
            const [chain] = await database.query<{ state: string }>('select state from chain where id = $1', [
              opened!.chainId,
            ]);
            return chain!.state;
          },
          (state) => ['succeeded', 'failed', 'dead', 'quarantined', 'cancelled'].includes(state),
          30_000,
        );
        const [ended] = await database.query<EndedSync>(
          `select t.id as "taskId", c.state, c.reason, t.status, t.counts from sync_task t join chain c on c.id = t.chain_id where t.id = $1`,
          [opened!.taskId],
        );
        return ended!;
      },
    };
  }

  return {
    database,
    directory,
    url: h.url,
    served,
    sessions,
    openAlerts: () => [...open.keys()].sort(),
    messageOf: (rule) => [...open.values()].find((alert) => alert.rule === rule)?.message ?? '',
    begin,
    work() {
      engine ??= work();
    },
    sync: async (options) => (await begin(options)).ended(),
    differences: () => differencesFrom(served, database),
    async deliveries() {
      const rows = await database.query<{ key: string; state: string; reason: string | null }>(
        `select right(customer_no, 4) || ' ' || to_char(period, 'YYYY-MM') as key, state, reason from reseller_delivery order by 1`,
      );
      return Object.fromEntries(
        rows.map(({ key, state, reason }) => [key, reason === null ? state : `${state}: ${reason}`]),
      );
    },
    async faults(...plan) {
      await control(served, 'POST', 'faults', plan);
    },
    async applyCustomers(change) {
      change(form);
      await database.transaction(async (tx) => void (await applyCustomers(tx, form)));
    },
    async close() {
      await engine?.stop(1_000);
      await services.compute.close();
      await h.close();
      await served.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** As a node has them; what `session` gives is never refused. */
export async function routItServices(
  directory: string,
  alerts: RoutItServices['alerts'],
  session: () => ProviderSession,
): Promise<RoutItServices> {
  return {
    archive: await openArchive(directory, {
      expectedId: null,
      randomId: () => crypto.randomUUID(),
      nowMs: Date.now,
    }),
    compute: openComputePool({ threads: 1 }),
    alerts,
    openTransport: () => Promise.reject(new Error('no files here')),
    openRest: () => {
      throw new Error('no pages here');
    },
    acquireSession: async () => ({ kind: 'granted', session: session() }),
    resolveSecret: () => secrets.ROUTIT,
    fetchGiveUpAfterMs: 600_000,
    silenceMs: 700,
  };
}

interface TruthCycle {
  readonly account: string;
  readonly cycleStart: string;
  readonly totals: readonly Readonly<Record<string, string>>[];
}

const totals = `
  select u.msisdn, u.category, u.records::text, u.unrated::text, u.usage_s::text as "usageS", u.usage_octets::text as "usageOctets",
    u.usage_count::text as "usageCount", u.amount_e8::text as "amountE8", u.provider_amount_e8::text as "providerAmountE8"
  from total_usage_new_table u join contract k on k.id = u.contract_id
  where k.account_no = $1 and u.cycle_start = $2 order by u.msisdn collate "C", u.category collate "C"`;

const published = `
  select k.account_no || ' ' || g.cycle_start as cycle from total_generation g join contract k on k.id = g.contract_id
  where g.state = 'current' and exists (select from total_usage u where u.contract_id = g.contract_id
    and u.cycle_start = g.cycle_start and u.generation = g.generation) order by 1`;

async function differencesFrom(served: ServedProviders, database: Database): Promise<readonly string[]> {
  const { cycles, resellers } = await control<{ cycles: TruthCycle[]; resellers: { period: string; netE8: string }[] }>(
    served,
    'GET',
    'truth',
  );
  const found: string[] = [];
  for (const { account, cycleStart, totals: expected } of cycles) {
    const ours = await database.query(totals, [account, cycleStart]);
    if (JSON.stringify(ours) !== JSON.stringify(expected)) found.push(`${account} ${cycleStart}`);
  }
  const known = new Set(cycles.map(({ account, cycleStart }) => `${account} ${cycleStart}`));
  for (const { cycle } of await database.query<{ cycle: string }>(published)) {
    if (!known.has(cycle)) found.push(`${cycle} is published and not in the truth`);
  }
  for (const { period, netE8 } of resellers) {
    const [row] = await database.query<{ state: string; net: string; sum: string }>(
      `select state, net_e8::text as net, (imported_e8 + suspense_e8 + quarantined_e8)::text as sum
       from reseller_period where period = $1`,
      [`${period}-01`],
    );
    if (row?.state !== 'agrees' || row.net !== netE8 || row.sum !== netE8) {
      found.push(`reseller ${period}: ${JSON.stringify(row)}, truth ${netE8}`);
    }
  }
  const bounds = { consumedWithinSeconds: -60, dueWithinSeconds: 86_400, endWithinSeconds: 86_400 };
  const { unconsumedTasks } = await oracleBreaches(database, bounds);
  return [...found, ...unconsumedTasks.map((task) => `task ${task} is not consumed`)];
}

/**
 * A simulated world with faults built in, the real service on it, and what a test asks of them: what became of a file, which
 * alerts are open, whether totals are the truth. Every customer has one account and the four months below; `deliver` brings
 * the file that a fault-free world of the same seed has.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TotalsView } from '../../src/admin/views.ts';
import { compareCycle, readTruth } from '../../src/cli/demo/truth.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { call, type RunningService, startService, until, working } from '../support/service.ts';
import { makeWorld } from '../support/world.ts';

const root = join(import.meta.dirname, '..', '..');

export interface PlannedFault {
  readonly customer: string;
  readonly month: string;
  readonly fault: string;
  readonly arg?: string;
}

export interface FileRow {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly state: string;
  readonly reason: string | null;
  /** Rows in `cdr`, of any state. */
  readonly rows: number;
}

export interface AlertRow {
  readonly rule: string;
  readonly subject: string;
  readonly state: string;
  readonly message: string;
}

export interface FaultyWorld {
  readonly directory: string;
  readonly database: Database;
  readonly service: RunningService;
  /** Where the files of a customer are delivered. */
  drop(customer: string): string;
  /** Path of the good file of a customer and month, from the world without faults. */
  good(customer: string, month: string): string;
  /** Puts a file and its marker into a customer's drop, as the provider would: the marker last. */
  deliver(customer: string, path: string): void;
  /** Runs the sync of these customers to its end; every chain must succeed. */
  sync(customers: readonly string[]): Promise<void>;
  files(customer: string): Promise<FileRow[]>;
  /** All that were raised about the customer; they are stored beside the chains, a moment later. */
  alerts(customer: string): Promise<AlertRow[]>;
  /** What differs from the truth of `truth.json` (or the file named) in these cycles. */
  differences(customer: string, cycles: readonly string[], truthPath?: string): Promise<string[]>;
  close(): Promise<void>;
}

export interface FaultyWorldOptions {
  readonly customers: number;
  readonly months: readonly string[];
  readonly recordsPerFile: number;
  readonly plan: readonly PlannedFault[];
}

export function accountOf(customer: string): string {
  return String(100 + Number(customer.slice(1))).padStart(10, '0');
}

export async function openFaultyWorld(options: FaultyWorldOptions): Promise<FaultyWorld> {
  const { customers, months, recordsPerFile, plan } = options;
  const scratch = mkdtempSync(join(tmpdir(), 'faulty-'));
  const planPath = join(scratch, 'plan.json');
  writeFileSync(planPath, JSON.stringify(plan));
  const records = String(customers * months.length * recordsPerFile);
  const flags = ['--customers', String(customers), '--subs', String(customers * 2), '--records', records];
  flags.push('--months', months.join(','));
  const world = await makeWorld([...flags, '--faults', planPath]);
  const clean = join(scratch, 'clean');
  execFileSync(process.execPath, [join(root, 'simulator/main.ts'), '--out', clean, '--no-truth', ...flags], {
    stdio: 'pipe',
  });
  const databaseUrl = await world.database();
  const database = openDatabase(databaseUrl, { applicationName: 'test', max: 2 });
  const stateDirectory = join(scratch, 'state');
  mkdirSync(stateDirectory);
  const service = startService({ databaseUrl, stateDirectory });
  await working(service).catch(async (error: unknown) => {
    await service.stop();
    throw error;
  });

  function drop(customer: string): string {
    return join(world.directory, 'drops', accountOf(customer));
  }

  async function totals(customer: string, cycle: string): Promise<TotalsView | undefined> {
    const path = `/totals?customer=${customer}&cycle=${cycle}&numbers=true`;
    const [view] = await call<TotalsView[]>(service.socket, 'GET', path).catch((): TotalsView[] => []);
    return view;
  }

  return {
    directory: world.directory,
    database,
    service,
    drop,
    good(customer, month) {
      const seq = String(months.indexOf(month) + 1).padStart(6, '0');
      const name = `SP16X_${accountOf(customer)}_${month.replace('-', '')}_${seq}.dat.gz`;
      return join(clean, 'drops', accountOf(customer), name);
    },
    deliver(customer, path) {
      for (const suffix of ['', '.ok']) {
        copyFileSync(`${path}${suffix}`, join(drop(customer), `${path.split('/').at(-1)}${suffix}`));
      }
    },
    async sync(list) {
      for (const customer of list) await call(service.socket, 'POST', '/sync/run', { customer });
      await until('the syncs to end', async () => {
        const tasks = await database.query<{ status: string }>('select status from sync_task');
        return tasks.every((task) => task.status !== 'open');
      });
      const broken = await database.query(
        `select c.state::text, c.subject from chain c where c.state <> 'succeeded'
         union all select t.status, 'task ' || t.id from sync_task t where t.status <> 'succeeded'`,
      );
      if (broken.length > 0) throw new Error(`not every chain succeeded: ${JSON.stringify(broken)}`);
    },
    files: (customer) =>
      database.query<FileRow>(
        `select f.id, f.name, f.version, f.state, f.reason,
           (select count(*) from cdr where cdr.contract_id = f.contract_id and cdr.raw_file_id = f.id)::int as rows
         from raw_file f join contract k on k.id = f.contract_id where k.account_no = $1 order by f.seq, f.version, f.id`,
        [accountOf(customer)],
      ),
    alerts: (customer) =>
      database.query<AlertRow>(
        `select rule, subject, state, message from alert where subject like $1 || '/%' and remind order by rule, id`,
        [customer],
      ),
    async differences(customer, cycles, truthPath = world.truthPath) {
      const found: string[] = [];
      for (const truth of readTruth(truthPath)) {
        if (truth.customer !== customer || !cycles.includes(truth.cycleStart)) continue;
        const { differences } = compareCycle(truth, await totals(customer, truth.cycleStart));
        found.push(...differences.map((difference) => `${truth.cycleStart}: ${difference}`));
      }
      return found;
    },
    async close() {
      await service.stop();
      await database.close();
      await world.close();
      for (const directory of [scratch, world.directory]) {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  };
}

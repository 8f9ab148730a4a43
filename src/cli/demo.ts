/**
 * `linekeeper demo`: the main job from end to end on embedded parts, with nothing faked but the provider. Starts the
 * simulator (KPN SP16 drops in a directory and on an SFTP server, T_MOBILE's API, ROUTIT's XML) and the service, loads tariffs
 * and customers, runs every sync, and lays the published totals beside the simulator's truth.
 *
 * Exit 0 only when every number of every total equals the truth. State is kept under `.linekeeper/demo`: a second run
 * finds every file known and imports nothing twice.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { ChainDetailView, HealthView, SyncStartedView, SyncTaskView, TotalsView } from '../admin/views.ts';
import { type AdminClient, openClient } from './admin-client.ts';
import type { CliIo, CommonOptions } from './context.ts';
import {
  type DemoProcess,
  DemoProcessError,
  lastMessage,
  passwords,
  startService,
  startSimulator,
} from './demo/processes.ts';
import { nameOf, printComparison, printNext, printTimings, type Timing } from './demo/report.ts';
import { compareCycle, readTruth } from './demo/truth.ts';
import { exitCode } from './exit-codes.ts';
import { count, printJson } from './print.ts';
import { openProgress } from './progress.ts';

const root = join(import.meta.dirname, '..', '..');
const readyWithinMs = 60_000;
const syncWithinMs = 300_000;

export interface DemoOptions extends CommonOptions {
  readonly stay?: boolean;
  readonly records: number;
  readonly subs: number;
}

interface Customers {
  readonly customers: readonly { readonly code: string }[];
}

export async function runDemo(io: CliIo, options: DemoOptions): Promise<number> {
  const home = join(io.cwd, '.linekeeper', 'demo');
  const state = join(home, 'state');
  mkdirSync(state, { recursive: true });
  const say = (line: string) => io.stderr.write(`${line}\n`);
  // what the user has set for another installation does not reach the demo
  const own = Object.entries(io.env).filter(([name]) => name !== 'DATABASE_URL' && !name.startsWith('LINEKEEPER_'));
  const env = { ...Object.fromEntries(own), ...passwords, LINEKEEPER_STATE_DIRECTORY: state };
  const running: DemoProcess[] = [];
  const told = Promise.withResolvers<number>();
  // a demo that stays has its result already when it is told to stop
  let result: number = exitCode.failed;
  const listenNoMore = io.onStopSignal(() => told.resolve(result));
  try {
    return await Promise.race([mainJob(), told.promise]);
  } catch (error) {
    if (!(error instanceof DemoProcessError)) throw error;
    say(`demo: ${error.message}`);
    return exitCode.failed;
  } finally {
    for (const one of running.reverse()) await one.stop();
    listenNoMore();
  }

  async function mainJob(): Promise<number> {
    const client = await openClient(io, { socket: join(state, 'admin.sock') });
    const other = await askHealth(client);
    if (other) {
      throw new DemoProcessError(
        `a service works in ${state} already, process ${other.pid}: end it with kill ${other.pid}, or ask it with --socket`,
      );
    }
    say(
      `simulator: writing ${count(options.records)} records of each of 3 providers, 2 customers and 3 months, and the truth about them`,
    );
    const provider = join(home, 'provider');
    const size = ['--records', String(options.records), '--subs', String(options.subs)];
    const served = ['--sftp-port', '0', '--providers', 'KPN_SP16,T_MOBILE,ROUTIT', '--http-port', '0'];
    const flags = ['--out', provider, ...served, ...size];
    const simulator = startSimulator(root, flags, env, join(home, 'simulator.log'));
    running.push(simulator);
    await simulator.ready;
    say(`service: starting, state in ${state}`);
    const service = startService(root, env, join(home, 'service.log'));
    running.push(service);
    await ready(io, client, service, join(home, 'service.log'));
    await loadDocuments(client, provider);
    const tasks = await syncAll(io, client, provider);
    const comparisons = [];
    for (const truth of readTruth(join(provider, 'truth.json'))) {
      const query = { customer: truth.customer, cycle: truth.cycleStart, numbers: true };
      const totals = await client.get<TotalsView[]>('/totals', { query });
      comparisons.push(
        compareCycle(
          truth,
          totals.find((one) => one.account === truth.account),
        ),
      );
    }
    const timings = await stepTimings(client, tasks);
    const equal = comparisons.length > 0 && comparisons.every((one) => one.differences.length === 0);
    if (options.json) printJson(io, { equal, imported: importedBy(tasks), comparisons, timings });
    else {
      await printComparison(io, comparisons);
      await printTimings(io, timings, tasks);
      printNext(io, relative(io.cwd, join(state, 'admin.sock')), equal, options.stay === true);
    }
    result = equal ? exitCode.ok : exitCode.failed;
    if (!options.stay) return result;
    const ended = await service.ended;
    throw new DemoProcessError(`the service ended with code ${ended}; see ${join(home, 'service.log')}`);
  }
}

function importedBy(tasks: readonly SyncTaskView[]): { files: number; records: number } {
  const sum = (name: string) => tasks.reduce((all, { counts }) => all + Number(counts[name] ?? 0), 0);
  return { files: sum('files'), records: sum('records') };
}

async function ready(io: CliIo, client: AdminClient, service: DemoProcess, logPath: string): Promise<void> {
  let ended = false;
  void service.ended.then(() => {
    ended = true;
  });
  const deadline = io.nowMs() + readyWithinMs;
  for (;;) {
    const health = await askHealth(client);
    if (health?.checks.every((check) => check.name === 'audit' || check.status === 'ok')) return;
    if (ended) throw new DemoProcessError(`the service ended: ${lastMessage(logPath) ?? `see ${logPath}`}`);
    if (io.nowMs() > deadline) throw new DemoProcessError(`the service was not ready in time; see ${logPath}`);
    await io.sleep(100);
  }
}

/** Null while the socket is not there yet. */
async function askHealth(client: AdminClient): Promise<HealthView | null> {
  try {
    return await client.get<HealthView>('/health', { accept: [503] });
  } catch {
    return null;
  }
}

async function loadDocuments(client: AdminClient, provider: string): Promise<void> {
  const json = (...path: string[]): unknown => JSON.parse(readFileSync(join(provider, ...path), 'utf8'));
  // zones before the tariffs that name them
  for (const name of readdirSync(join(provider, 'zones'))) await client.post('/zones', json('zones', name));
  const tariffs = readdirSync(join(provider, 'tariffs')).map((name) => json('tariffs', name));
  // a tariff that others fall back to has to be there before them
  const fallsBack = (tariff: unknown) => Number(JSON.stringify(tariff).includes('"fallback"'));
  tariffs.sort((a, b) => fallsBack(a) - fallsBack(b));
  for (const tariff of tariffs) await client.post('/tariffs', tariff);
  await client.post('/customers', json('customers.json'));
}

/** Starts the sync of every customer and follows all of them until they ended. */
async function syncAll(io: CliIo, client: AdminClient, provider: string): Promise<SyncTaskView[]> {
  const document = JSON.parse(readFileSync(join(provider, 'customers.json'), 'utf8')) as Customers;
  const ids: string[] = [];
  for (const { code } of document.customers) {
    const { tasks } = await client.post<SyncStartedView>('/sync/run', { customer: code });
    ids.push(...tasks.map((task) => task.id));
  }
  const progress = openProgress(io);
  const deadline = io.nowMs() + syncWithinMs;
  for (;;) {
    const tasks = await Promise.all(ids.map((id) => client.get<SyncTaskView>(`/sync/tasks/${id}`)));
    progress.update(
      'sync',
      tasks.flatMap((task) => task.steps.map((step) => ({ ...step, name: `${nameOf(task)} ${step.name}` }))),
    );
    if (tasks.every((task) => task.status !== 'open')) return tasks;
    if (io.nowMs() > deadline) throw new DemoProcessError('the syncs did not end in time; ask: linekeeper chain list');
    await io.sleep(200);
  }
}

async function stepTimings(client: AdminClient, tasks: readonly SyncTaskView[]): Promise<Timing[]> {
  const timings: Timing[] = [];
  for (const task of tasks) {
    if (!task.chain) continue;
    const { log } = await client.get<ChainDetailView>(`/chains/${task.chain.id}`);
    for (const { step, outcome, durationMs } of log) timings.push({ profile: nameOf(task), step, outcome, durationMs });
  }
  return timings;
}

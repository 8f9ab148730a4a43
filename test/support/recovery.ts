/**
 * What the recovery tests share: a sync that is held in the midst of its import, and what must be true of the rows when
 * everything is over.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { HealthView, SyncStartedView, SyncTaskView } from '../../src/admin/views.ts';
import { auditChains } from '../../src/chains/audit.ts';
import { findPostmaster } from '../../src/database/embedded/postmaster.ts';
import type { Database } from '../../src/database/session.ts';
import { oracleBreaches } from '../../src/totals/oracle.ts';
import type { ActorSnapshot } from '../../supervisors/types.ts';
import { call, type RunningService, until } from './service.ts';

const directories: string[] = [];
// what a failure left is kept, its logs tell more than the assertion
process.on('exit', (code) => {
  if (code === 0) for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** One that the embedded server's user may enter, also when root made it. */
export function stateDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'recovery-'));
  chmodSync(directory, 0o711);
  directories.push(directory);
  return directory;
}

/** Of the embedded server that runs under the state directory. */
export function embeddedServer(state: string): { pid: number; url: string } {
  const found = findPostmaster(join(state, 'postgresql', 'data'));
  assert.ok(found, `no PostgreSQL runs in ${state}`);
  const url = `postgres://linekeeper@/linekeeper?host=${encodeURIComponent(found.socketDirectory)}`;
  return { pid: found.pid, url };
}

export const healthOf = (service: RunningService) => call<HealthView>(service.socket, 'GET', '/health');

export async function actorOf(service: RunningService, path: string): Promise<ActorSnapshot> {
  const find = (node: ActorSnapshot): ActorSnapshot | undefined =>
    node.path === path ? node : node.children.map(find).find((found) => found !== undefined);
  const found = find(await call<ActorSnapshot>(service.socket, 'GET', '/tree'));
  assert.ok(found, `the tree has no ${path}`);
  return found;
}

/** Every actor that was restarted, by path. */
export async function restartedActors(service: RunningService): Promise<string[]> {
  const all = (node: ActorSnapshot): ActorSnapshot[] => [node, ...node.children.flatMap(all)];
  const tree = await call<ActorSnapshot>(service.socket, 'GET', '/tree');
  return all(tree)
    .filter((node) => node.restarts > 0)
    .map((node) => node.path);
}

/** Starts the customer's sync; resolves to its task and chain. */
export async function startSync(service: RunningService, customer: string): Promise<{ task: string; chain: string }> {
  const { tasks } = await call<SyncStartedView>(service.socket, 'POST', '/sync/run', { customer });
  assert.equal(tasks.length, 1);
  return { task: tasks[0]!.id, chain: tasks[0]!.chainId! };
}

export async function syncEnds(service: RunningService, task: string, timeoutMs = 30_000): Promise<void> {
  await until(
    `sync task ${task} to succeed`,
    async () => {
      const view = await call<SyncTaskView>(service.socket, 'GET', `/sync/tasks/${task}`).catch(() => null);
      return view?.status === 'succeeded' && view.chain?.state === 'succeeded';
    },
    timeoutMs,
  );
}

/**
 * `import` is held in its commit, before it can write records; `rate` in its handler, before it can read the tariff. From
 * now until `release`, or until this session is gone.
 */
export async function hold(
  url: string,
  step: 'import' | 'rate',
): Promise<{ reached(): Promise<void>; release(): Promise<void> }> {
  const [table, mode] = step === 'import' ? ['cdr', 'exclusive'] : ['tariff_version', 'access exclusive'];
  const holder = new pg.Client({ connectionString: url });
  holder.on('error', () => {});
  await holder.connect();
  await holder.query('begin');
  await holder.query(`lock table ${table} in ${mode} mode`);
  return {
    /** Resolves when a step stands before the lock. */
    async reached() {
      await until(`${step} to be held`, async () => {
        const waiting = `select 1 from pg_locks where relation = $1::regclass and not granted`;
        return (await holder.query(waiting, [table])).rowCount! > 0;
      });
    },
    async release() {
      await holder.query('rollback');
      await holder.end();
    },
  };
}

/** What must be true whatever happened: nothing is lost, nothing hangs without a reason, nothing is there twice. */
export async function assertSound(database: Database): Promise<void> {
  const bounds = { consumedWithinSeconds: 0, dueWithinSeconds: 0, endWithinSeconds: 60 };
  assert.deepEqual(await oracleBreaches(database, bounds), { unconsumedTasks: [], silentProfiles: [] });
  assert.deepEqual(await auditChains(database), []);
  const doubled = await database.query(
    `select 1 from cdr where state = 'active' group by contract_id, record_key having count(*) > 1`,
  );
  assert.deepEqual(doubled, []);
}

/** What the log says went wrong, as `step outcome`; a database that is away must leave nothing here. */
export async function troubles(database: Database): Promise<string[]> {
  const rows = await database.query(
    `select step || ' ' || outcome || ' ' || coalesce(reason, '') as line from step_log
     where outcome in ('crashed', 'recovered') or attempt > 1 order by at`,
  );
  return rows.map((row) => row.line as string);
}

/** One line for every current generation: account, cycle, generation, digest. */
export async function digestsOf(database: Database): Promise<string[]> {
  const rows = await database.query(
    `select k.account_no || ' ' || g.cycle_start || ' ' || g.generation || ' ' || encode(g.digest, 'hex') as line
     from total_generation g join contract k on k.id = g.contract_id where g.state = 'current' order by 1`,
  );
  return rows.map((row) => row.line as string);
}

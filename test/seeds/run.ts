/**
 * One seed: a world whose providers do wrong what the plan says, the real service on it, and an operator who does what its
 * alerts ask for: delivers the good files, resumes what was suspended. In the end nothing may be missing (checkers.ts).
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyCustomers } from '../../src/customers/apply.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { loadTariff } from '../../src/totals/tariff-store.ts';
import { loadZoneSets } from '../../src/totals/zone-store.ts';
import { testDatabase } from '../support/database.ts';
import { call, startService, until, working } from '../support/service.ts';
import { documentIn, tariffsOf, zonesOf } from '../support/world.ts';
import { checkAll, type Evidence } from './checkers.ts';
import { customers, type SeedPlan } from './plan.ts';
import { openSeedWorld, type SeedWorld, secrets } from './world.ts';

export interface SeedResult {
  /** What is wrong; empty: nothing. */
  readonly findings: readonly string[];
  /** For people. */
  readonly figures: readonly string[];
}

const recordsPerFile = 400;
/** A provider that is right again is asked again and again until nothing new comes. */
const mostRounds = 8;
/** Longer than a provider is left alone after failures in a row, several times over: that is not hurried. */
const roundMs = 240_000;

export async function runSeed(plan: SeedPlan, say: (line: string) => void): Promise<SeedResult> {
  const world = await openSeedWorld(plan, recordsPerFile);
  const scratch = mkdtempSync(join(tmpdir(), 'seed-'));
  const server = await testDatabase();
  const database = openDatabase(server.url, { applicationName: 'seeds', max: 2 });
  const stateDirectory = join(scratch, 'state');
  mkdirSync(stateDirectory);
  await fill(database, world.directory);
  const service = startService({ databaseUrl: server.url, stateDirectory, env: secrets });
  try {
    await working(service);
    // a month that is long ago would be closed in the middle of all this, and what comes then be an adjustment
    await database.query(`update schedule set enabled = false where name = 'cycle:closing'`);
    const sync = () => syncAll(service.socket, database);
    await sync();
    const names = world.deliverFiles();
    await deliverCharges(world);
    // what was provisional is final a day later
    await world.control('POST', 'advance-clock', { seconds: 86_400 });
    let rounds = 1;
    for (let before = ''; rounds < mostRounds; rounds += 1) {
      await sync();
      const now = JSON.stringify(
        await database.query('select contract_id, cycle_start, digest from total_generation order by 1, 2, generation'),
      );
      if (now === before && (await isQuiet(world))) break;
      before = now;
    }
    const evidence: Evidence = { plan, world, database, socket: service.socket, delivered: names, rounds };
    return { findings: await checkAll(evidence), figures: await figuresOf(database, rounds) };
  } catch (error) {
    say(`the service said:\n${service.output().split('\n').slice(-30).join('\n')}`);
    throw error;
  } finally {
    await service.stop();
    await database.close();
    await server.close();
    await world.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function fill(database: Database, directory: string): Promise<void> {
  await database.transaction(async (tx) => {
    for (const zones of zonesOf(directory)) await loadZoneSets(tx, zones);
    for (const tariff of tariffsOf(directory)) await loadTariff(tx, tariff);
    await applyCustomers(tx, documentIn(directory, 'customers.json'));
    // no schedule of its own: the operator says when a sync runs
    await tx.query(`update sync_profile set next_due = now() + interval '1 hour'`);
  });
}

/** `charges_<reseller>_<yyyymm>_<customer>.csv.gz`: the good file in the place of each that is not. */
async function deliverCharges(world: SeedWorld): Promise<void> {
  const { files = [] } = await world.control<{ files?: { file: string }[] }>('GET', 'truth');
  for (const { file } of files) {
    const [, , month, customer] = file.replace('.csv.gz', '').split('_');
    const period = `${month!.slice(0, 4)}-${month!.slice(4)}`;
    await world.control('POST', 'deliver', { customer, period });
  }
}

/** No fault of a call is waiting to be met that still could be. */
async function isQuiet(world: SeedWorld): Promise<boolean> {
  const { pending } = await world.control<{ pending: { at: string }[] }>('GET', 'faults');
  return pending.every(({ at }) => at === 'ROUTIT.file');
}

/** Every profile once, also those that were suspended; what waits for a time is hurried, as nobody wants to wait here. */
async function syncAll(socket: string, database: Database): Promise<void> {
  const codes = await database.query<{ code: string }>(
    'select distinct c.code from customer c join contract k on k.customer_id = c.id join sync_profile p on p.contract_id = k.id order by 1',
  );
  for (const { code } of codes) await call(socket, 'POST', '/sync/run', { customer: code, force: true });
  await until(
    'the syncs to end',
    async () => {
      await database.query(
        `update chain set run_at = now() where state = 'timer' and run_at > now() + interval '1 second'`,
      );
      const [open] = await database.query(`
        select count(*)::int as n from chain where name not like 'node-proof%' and name <> 'sync-manager'
          and state not in ('succeeded', 'failed', 'cancelled', 'dead', 'quarantined')`);
      const [tasks] = await database.query(`
        select count(*)::int as n from sync_task t join chain c on c.id = t.chain_id
        where t.status = 'open' and c.state not in ('succeeded', 'failed', 'cancelled', 'dead', 'quarantined')`);
      return open!.n === 0 && tasks!.n === 0;
    },
    roundMs,
  );
}

async function figuresOf(database: Database, rounds: number): Promise<string[]> {
  const files = await database.query(`
    select p.sync_type, f.state, count(*)::int as n from raw_file f join sync_profile p on p.id = f.profile_id
    group by 1, 2 order by 1, 2`);
  const chains = await database.query(`
    select name, state::text, count(*)::int as n from every_chain where name not like 'node-proof%' group by 1, 2 order by 1, 2`);
  const [records] = await database.query(`select count(*)::int as n from cdr where state = 'active'`);
  return [
    `${customers} customers, ${rounds} rounds, ${records!.n} active records`,
    `files: ${files.map((row) => `${row.sync_type} ${row.state} ${row.n}`).join(', ')}`,
    `chains: ${chains.map((row) => `${row.name} ${row.state} ${row.n}`).join(', ')}`,
  ];
}

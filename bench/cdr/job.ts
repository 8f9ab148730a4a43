/**
 * The whole job: simulated KPN files, imported, rated and totalled by the service (`npm start`, its real chain) on a PostgreSQL with
 * fsync on, from the opening of the sync task to its committed totals; beside it a bare COPY of the same `cdr` and `rated_cdr`
 * rows into the same partitioned, indexed tables of another database, in one transaction. The bar: within 3 times. Afterwards
 * 100 totals, drawn at random, are explained: their records must add up to them and rate to the same amounts again.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { applyCustomers } from '../../src/customers/apply.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { explainTotals } from '../../src/totals/explain.ts';
import { loadTariff } from '../../src/totals/tariff-store.ts';
import { loadZoneSets } from '../../src/totals/zone-store.ts';
import { machine } from '../chains/machine.ts';
import { startServers } from '../chains/servers.ts';

const root = join(import.meta.dirname, '..', '..');
const tables = ['cdr', 'rated_cdr'] as const;
const bar = 3;
const explained = 100;
const deadlineMs = 30 * 60_000;

export async function benchJob(records: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'lk-job-'));
  const world = join(directory, 'world');
  const flags = [
    '--customers',
    '1',
    '--months',
    '2026-03',
    '--records',
    String(records),
    '--subs',
    '1000',
    '--no-truth',
  ];
  console.error(`simulating ${records} records`);
  const made = spawnSync(process.execPath, [join(root, 'simulator/main.ts'), '--out', world, ...flags]);
  if (made.status !== 0) throw new Error(`the simulator ended with ${made.status}: ${made.stderr}`);
  const servers = await startServers({ redis: false });
  const open: Database[] = [];
  try {
    for (const name of ['job', 'bare']) {
      await servers.admin.query(`create database ${name}`);
      await migrate(servers.urlOf(name));
      open.push(openDatabase(servers.urlOf(name), { applicationName: 'bench', max: 2 }));
    }
    const [job, bare] = open as [Database, Database];
    await fill(job, world);
    const cpu = servers.cpuMs();
    const whole = await runService(servers.urlOf('job'), join(directory, 'state'), job);
    const serverCpuMs = servers.cpuMs() - cpu;
    const copyMs = await bareCopy(job, bare, directory);
    const wrong = await explainSome(job);
    const ratio = whole.ms / copyMs;
    const result = {
      ...whole,
      serverCpuMs: Math.round(serverCpuMs),
      copyMs: Math.round(copyMs),
      ratio,
      explained,
      wrong,
    };
    console.log(JSON.stringify({ bench: 'cdr', run: 'job', ...result, machine: machine() }));
    const verdict = ratio <= bar ? 'within' : 'MISSES';
    console.log(
      `${whole.records} records: file to committed totals ${Math.round(whole.ms)} ms, bare COPY ${Math.round(copyMs)} ms`,
    );
    console.log(
      `${ratio.toFixed(2)} times, ${verdict} the bar of ${bar}; ${explained - wrong} of ${explained} totals explained right`,
    );
    if (wrong > 0) throw new Error(`${wrong} totals are not explained by their records`);
  } finally {
    for (const database of open) await database.close();
    await servers.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function fill(database: Database, world: string): Promise<void> {
  const documents = (folder: string) =>
    readdirSync(join(world, folder)).map(
      (name) => JSON.parse(readFileSync(join(world, folder, name), 'utf8')) as unknown,
    );
  const fallsBack = (tariff: unknown) => Number(JSON.stringify(tariff).includes('"fallback"'));
  await database.transaction(async (tx) => {
    for (const zones of documents('zones')) await loadZoneSets(tx, zones);
    for (const tariff of documents('tariffs').sort((a, b) => fallsBack(a) - fallsBack(b))) await loadTariff(tx, tariff);
    await applyCustomers(tx, JSON.parse(readFileSync(join(world, 'customers.json'), 'utf8')));
    await tx.query(`update sync_profile set next_due = now() + interval '1 day'`);
  });
}

/** Opens the sync of the customer and waits for the totals; the time is that of its task rows. */
async function runService(databaseUrl: string, stateDirectory: string, database: Database) {
  const service = spawn(join(root, 'bin/linekeeper'), ['start'], {
    stdio: 'ignore',
    env: { ...process.env, DATABASE_URL: databaseUrl, LINEKEEPER_STATE_DIRECTORY: stateDirectory },
  });
  const ended = once(service, 'exit');
  try {
    const socket = join(stateDirectory, 'admin.sock');
    const deadline = performance.now() + deadlineMs;
    while (!(await post(socket, '/sync/run', { customer: 'C001', force: true }).catch(() => false)))
      await wait(service, deadline);
    for (;;) {
      const [task] = await database.query<{ open: string; ms: string; failed: string }>(
        `select count(*) filter (where status = 'open') as open, count(*) filter (where status = 'failed') as failed,
           extract(epoch from max(finished_at) - min(started_at)) * 1000 as ms from sync_task`,
      );
      if (task!.failed !== '0') throw new Error('a sync task failed');
      if (task!.open === '0') {
        const [{ records }] = (await database.query<{ records: string }>(
          'select count(*) as records from rated_cdr',
        )) as [{ records: string }];
        if (records === '0') throw new Error('the sync imported nothing');
        return { records: Number(records), ms: Number(task!.ms) };
      }
      await wait(service, deadline);
    }
  } finally {
    service.kill('SIGTERM');
    await ended;
  }
}

async function wait(service: { readonly exitCode: number | null }, deadline: number): Promise<void> {
  if (service.exitCode !== null) throw new Error(`the service ended with ${service.exitCode}`);
  if (performance.now() > deadline) throw new Error(`the service was not done within ${deadlineMs} ms`);
  await delay(200);
}

/** True when it was taken. */
function post(socketPath: string, path: string, body: object): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const outgoing = request({ socketPath, method: 'POST', path, headers, agent: false }, (answer) => {
      answer.resume();
      resolve((answer.statusCode ?? 500) < 300);
    });
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });
}

async function bareCopy(job: Database, bare: Database, directory: string): Promise<number> {
  const spool = (table: string) => join(directory, `${table}.copy`);
  for (const table of tables) {
    await job.read((session) =>
      session.copyOut(`copy (select * from ${table}) to stdout`, createWriteStream(spool(table))),
    );
  }
  const months = await job.query<{ month: string }>(
    `select distinct to_char(cycle_start, 'YYYY-MM-01') as month from cdr union select to_char(cycle_start, 'YYYY-MM-01') from rated_cdr`,
  );
  for (const { month } of months) await bare.query('select ensure_cycle_partition($1::date)', [month]);
  const started = performance.now();
  await bare.transaction(async (tx) => {
    for (const table of tables) await tx.copyIn(`copy ${table} from stdin`, createReadStream(spool(table)));
  });
  return performance.now() - started;
}

/** How many of the totals are not what their records say. */
async function explainSome(job: Database): Promise<number> {
  const totals = await job.query<{ cycle: string; msisdn: string; category: string; records: string; amount: string }>(
    `select to_char(u.cycle_start, 'YYYY-MM-DD') as cycle, u.msisdn, u.category, u.records, u.amount_e8 as amount
     from total_usage_new_table u where u.msisdn <> '' order by random() limit $1`,
    [explained],
  );
  let wrong = explained - totals.length;
  for (const { cycle, msisdn, category, records, amount } of totals) {
    const query = { customer: 'C001', cycle, msisdn, category, limit: Number(records) + 1 };
    const [found] = await job.read((session) => explainTotals(session, query));
    const sum = found?.shown.reduce((all, record) => all + BigInt(record.amountE8 ?? 0), 0n);
    const right = found !== undefined && sum === BigInt(amount) && found.shown.length === Number(records);
    if (!right || found.shown.some((record) => !record.reproduced)) wrong += 1;
  }
  return wrong;
}

/**
 * `npm run bench -- finished [--chains 1000000] [--seconds 30] [--rounds 3] [--idle-seconds 180]`: what finished chains and a
 * forgotten transaction cost. Chains of four no-op steps run through the real engine on an embedded PostgreSQL with its own
 * settings (fsync, synchronous_commit on), on one database without and one with that many finished chains, in turn; then
 * beside a mover that carries them away, and beside a session that sits in a transaction with a snapshot.
 * Counted are committed rows of the log between readings of the database's clock, by second and by second of processor time.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { auditChains } from '../../src/chains/audit.ts';
import { carryFinished, createMover } from '../../src/chains/history.ts';
import { chainHistory, ensureDayPartitions, stepLog } from '../../src/database/day-partitions.ts';
import { type EmbeddedServer, startEmbedded } from '../../src/database/embedded/server.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { cpuMsOfPostgres } from '../chains/machine.ts';
import { startLoad } from './load.ts';

interface Options {
  readonly chains: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly idleSeconds: number;
}

interface Place {
  readonly url: string;
  readonly database: Database;
  readonly postmasterPid: number;
}

interface Measured {
  readonly bench: 'finished';
  readonly run: string;
  readonly seconds: number;
  readonly stepsPerS: number;
  /** By a second of processor time of node and server together: what a busy machine leaves comparable. */
  readonly stepsPerCpuS: number;
  /** The same of the first and of the last sixth of the time: whether it wears out. */
  readonly firstPerCpuS: number;
  readonly lastPerCpuS: number;
}

/** Ended half an hour ago on average, as under load of an hour: all still in `chain`. */
const fill = `
  insert into chain (name, step, state, token, attempt, traceparent, input, previous, unique_key, created_at, since, finished_at)
  select 'old', 'd', 'succeeded', 4, 1, '00-' || lpad(to_hex(n), 32, '2') || '-1111111111111111-01', '{"contractId": "17"}',
         '{"records": 1234}', 'old-' || n, now() - interval '1 hour', t, t
  from (select n, now() - random() * interval '1 hour' as t from generate_series(1, $1::integer) n) one`;

export async function benchFinished(args: readonly string[]): Promise<void> {
  const options = optionsOf(args);
  const directory = resolve(`.linekeeper/bench/finished-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  const server = await startEmbedded({ stateDirectory: directory, log: { info() {}, warn() {} } });
  const results: Measured[] = [];
  try {
    console.error(`filling a database with ${options.chains.toLocaleString('en')} finished chains`);
    const empty = await place(server, 'bench_empty', 0);
    const full = await place(server, 'bench_full', options.chains);
    const note = (measured: Measured) => {
      console.log(JSON.stringify(measured));
      results.push(measured);
    };
    note(await measure(empty, 'warm-up', Math.min(10, options.seconds)));
    for (let round = 1; round <= options.rounds; round += 1) {
      note(await measure(empty, '0 finished', options.seconds));
      note(await measure(full, 'finished in chain', options.seconds));
    }
    note(await measure(empty, '0 finished, idle in transaction', options.idleSeconds, idleInTransaction));
    note(await measure(full, 'finished in chain, idle in transaction', options.idleSeconds, idleInTransaction));
    note(await measure(full, 'finished, beside the mover', options.seconds, mover));
    note(await measure(full, 'finished in history', options.seconds));
    print(results);
    for (const { database } of [empty, full]) await database.close();
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function place(server: EmbeddedServer, name: string, chains: number): Promise<Place> {
  const maintenance = openDatabase(server.url, { applicationName: 'bench', max: 1 });
  await maintenance.query(`create database ${name}`);
  await maintenance.close();
  const url = server.url.replace(/\/\w+\?/, `/${name}?`);
  await migrate(url);
  const database = openDatabase(url, { applicationName: 'bench', max: 4 });
  for (const table of [stepLog, chainHistory]) await ensureDayPartitions(database, table);
  if (chains > 0) {
    await database.query(fill, [chains]);
    await database.query('insert into chain_key (key, chain_id) select unique_key, id from chain');
  }
  await database.query('vacuum analyze');
  return { url, database, postmasterPid: server.pid };
}

/** Something that goes on beside the load; resolves to what ends it. */
type Beside = (place: Place) => Promise<() => Promise<void>>;

async function measure(at: Place, run: string, seconds: number, beside?: Beside): Promise<Measured> {
  await at.database.query('checkpoint');
  const endBeside = await beside?.(at);
  const load = await startLoad(at.url, at.database);
  await delay(2_000);
  const marks = [await mark(at)];
  for (const sixths of [1, 4, 1]) {
    await delay((seconds / 6) * sixths * 1_000);
    marks.push(await mark(at));
  }
  await load.stop();
  await endBeside?.();
  const wrong = await auditChains(at.database);
  if (wrong.length > 0) throw new Error(`the audit found ${JSON.stringify(wrong)}`);
  const steps = async (from: Mark, to: Mark) =>
    (await at.database.query<{ n: number }>(counted, [from.now, to.now]))[0]!.n;
  const perCpuS = async (from: Mark, to: Mark) =>
    Math.round(((await steps(from, to)) / (to.processorMs - from.processorMs)) * 1_000);
  const [began, early, late, ended] = marks as [Mark, Mark, Mark, Mark];
  return {
    bench: 'finished',
    run,
    seconds,
    stepsPerS: Math.round((await steps(began, ended)) / seconds),
    stepsPerCpuS: await perCpuS(began, ended),
    firstPerCpuS: await perCpuS(began, early),
    lastPerCpuS: await perCpuS(late, ended),
  };
}

interface Mark {
  readonly now: string;
  readonly processorMs: number;
}

async function mark({ database, postmasterPid }: Place): Promise<Mark> {
  const [row] = await database.query<{ now: string }>('select clock_timestamp()::text as now');
  const { user, system } = process.cpuUsage();
  return { now: row!.now, processorMs: (user + system) / 1_000 + cpuMsOfPostgres(postmasterPid) };
}

const counted = `
  select count(*)::int as n from step_log
  where at >= $1::timestamptz and at < $2::timestamptz and outcome = 'succeeded' and step <> 'prove'`;

/** A forgotten session: its snapshot keeps vacuum from removing anything that died after it. */
async function idleInTransaction({ url }: Place): Promise<() => Promise<void>> {
  const database = openDatabase(url, {
    applicationName: 'forgotten',
    max: 1,
    settings: ['set idle_in_transaction_session_timeout = 0'],
  });
  const ended = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const reading = database.read(async (session) => {
    await session.query('select count(*) from schedule');
    begun.resolve();
    await ended.promise;
  });
  await Promise.race([begun.promise, reading]);
  return async () => {
    ended.resolve();
    await reading;
    await database.close();
  };
}

/** Carries away everything that has ended, as the actor does: a batch, then a pause as long. */
async function mover({ database }: Place): Promise<() => Promise<void>> {
  let ending = false;
  let carried = 0;
  const { carry } = createMover(database, { keepMs: 0, batch: 1_000, nowMs: () => performance.now() });
  const moving = (async () => {
    while (!ending) {
      const beganMs = performance.now();
      carried += (await carry()).carried;
      await delay(performance.now() - beganMs);
    }
  })();
  return async () => {
    ending = true;
    await moving;
    console.error(`${carried.toLocaleString('en')} chains were carried into history meanwhile`);
    while ((await carryFinished(database, { keepMs: 0, limit: 10_000 })).carried > 0) {}
  };
}

function print(results: readonly Measured[]): void {
  const table = new Table({ head: ['run', 's', 'steps/s', 'steps/CPU s', 'first sixth', 'last sixth'] });
  for (const { run, seconds, stepsPerS, stepsPerCpuS, firstPerCpuS, lastPerCpuS } of results) {
    table.push([
      run,
      seconds,
      ...[stepsPerS, stepsPerCpuS, firstPerCpuS, lastPerCpuS].map((value) => value.toLocaleString('en')),
    ]);
  }
  console.log(table.toString());
  console.log(`${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`);
}

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      chains: { type: 'string', default: '1000000' },
      seconds: { type: 'string', default: '30' },
      rounds: { type: 'string', default: '3' },
      'idle-seconds': { type: 'string', default: '180' },
    },
  });
  const number = (name: keyof typeof values): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1)
      throw new Error(`--${name} is ${values[name]}; it must be a whole number above 0`);
    return value;
  };
  return {
    chains: number('chains'),
    seconds: number('seconds'),
    rounds: number('rounds'),
    idleSeconds: number('idle-seconds'),
  };
}

/**
 * `npm run bench -- soak [--minutes 10]`: whether a node's memory stays flat. Chains of four no-op steps run through the real
 * engine without a pause, on an embedded PostgreSQL with its own settings, beside a mover that carries ended chains away after
 * a minute. Every second the process is looked at; a row of the table is a tenth of the time: its rate, the least heap in it
 * (what no collection could free) and the most memory. The first row is the warm-up. The audit must say 0 at the end.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { auditChains } from '../../src/chains/audit.ts';
import { createMover } from '../../src/chains/history.ts';
import { chainHistory, ensureDayPartitions, stepLog } from '../../src/database/day-partitions.ts';
import { startEmbedded } from '../../src/database/embedded/server.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { startLoad } from '../finished/load.ts';

const parts = 10;

interface Part {
  readonly bench: 'soak';
  readonly part: number;
  readonly stepsPerS: number;
  readonly leastHeapMb: number;
  readonly mostRssMb: number;
  readonly chainTableMb: number;
}

export async function benchSoak(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { minutes: { type: 'string', default: '10' } } });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new RangeError(`--minutes must be a number above 0, not ${values.minutes}`);
  const directory = resolve(`.linekeeper/bench/soak-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  const server = await startEmbedded({ stateDirectory: directory, log: { info() {}, warn() {} } });
  try {
    await migrate(server.url);
    const database = openDatabase(server.url, { applicationName: 'bench', max: 4 });
    for (const table of [stepLog, chainHistory]) await ensureDayPartitions(database, table);
    const measured = await soak(server.url, database, minutes);
    await database.close();
    print(measured);
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function soak(url: string, database: Database, minutes: number): Promise<Part[]> {
  const end = new AbortController();
  const mover = createMover(database, { keepMs: 60_000, batch: 1_000, nowMs: () => performance.now() });
  const moving = (async () => {
    while (!end.signal.aborted) {
      const { more } = await mover.carry();
      if (!more) await delay(1_000);
    }
  })();
  const load = await startLoad(url, database);
  const measured: Part[] = [];
  for (let part = 1; part <= parts; part += 1) {
    measured.push(await lookFor((minutes * 60_000) / parts, part, database));
    console.log(JSON.stringify(measured.at(-1)));
  }
  await load.stop();
  end.abort();
  await moving;
  const wrong = await auditChains(database);
  if (wrong.length > 0) throw new Error(`the audit found ${JSON.stringify(wrong)}`);
  return measured;
}

async function lookFor(ms: number, part: number, database: Database): Promise<Part> {
  const beganMs = performance.now();
  const before = await committed(database);
  let leastHeap = Number.POSITIVE_INFINITY;
  let mostRss = 0;
  while (performance.now() - beganMs < ms) {
    await delay(Math.min(1_000, ms));
    const { heapUsed, rss } = process.memoryUsage();
    leastHeap = Math.min(leastHeap, heapUsed);
    mostRss = Math.max(mostRss, rss);
  }
  const steps = (await committed(database)) - before;
  const [size] = await database.query<{ bytes: string }>(`select pg_total_relation_size('chain') as bytes`);
  return {
    bench: 'soak',
    part,
    stepsPerS: Math.round((steps * 1_000) / (performance.now() - beganMs)),
    leastHeapMb: Math.round(leastHeap / 2 ** 20),
    mostRssMb: Math.round(mostRss / 2 ** 20),
    chainTableMb: Math.round(Number(size!.bytes) / 2 ** 20),
  };
}

/** Log rows, as the table's own count: reading millions of them would be the load. */
async function committed(database: Database): Promise<number> {
  const [row] = await database.query<{ n: string }>(
    `select coalesce(sum(pg_stat_get_tuples_inserted(oid)), 0) as n from pg_class where relname like 'step_log%' and relkind = 'r'`,
  );
  return Number(row!.n);
}

function print(measured: readonly Part[]): void {
  const table = new Table({ head: ['part', 'steps/s', 'least heap MB', 'most memory MB', 'table chain MB'] });
  for (const { part, stepsPerS, leastHeapMb, mostRssMb, chainTableMb } of measured) {
    table.push([part, stepsPerS.toLocaleString('en'), leastHeapMb, mostRssMb, chainTableMb]);
  }
  console.error(table.toString());
}

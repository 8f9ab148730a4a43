/**
 * The limit: the engine's own statements driven by pgbench, without Node: 2 clients, each claims 500 ready chains and moves
 * them through their four steps in 4 statements, every statement a transaction, under the engine's planner pins. pgbench
 * comes with Debian's `postgresql-contrib`; without it there is no such row.
 */
import { execFile } from 'node:child_process';
import { existsSync, globSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { claimReady } from '../../src/chains/claim.ts';
import { insertMany } from '../../src/chains/group-enqueue.ts';
import { moveMany } from '../../src/chains/group-sql.ts';
import { plannerPins } from '../../src/chains/sessions.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Sample } from './cells.ts';
import { newChains } from './new-chains.ts';
import type { Servers } from './servers.ts';
import type { Store } from './stores.ts';

const run = promisify(execFile);
const clients = 2;
const batch = 500;

export function findPgbench(): string | null {
  const places = [...(process.env.PATH ?? '').split(delimiter), ...globSync('/usr/lib/postgresql/*/bin')];
  return places.map((place) => join(place, 'pgbench')).find((path) => existsSync(path)) ?? null;
}

/** Steps per second of `chains` chains of four, counted in the log after pgbench has ended. */
export async function pgbenchStepsPerSecond(
  pgbench: string,
  { servers, store, chains }: { servers: Servers; store: Store; chains: number },
): Promise<Sample> {
  const each = Math.ceil(chains / clients / batch);
  const total = each * clients * batch;
  const database = openDatabase(store.url, { applicationName: 'bench pgbench', max: 1 });
  for (let made = 0; made < total; made += batch) await database.query(insertMany, newChains('four', batch));
  await database.query('vacuum analyze chain');
  await database.query('checkpoint');
  const url = new URL(store.url.replace('@/', '@localhost/'));
  const socket = url.searchParams.get('host')!;
  const script = join(dirname(socket), 'four.pgbench');
  writeFileSync(script, pgbenchScript());
  const serverMs = servers.cpuMs();
  const startedMs = performance.now();
  await run(
    pgbench,
    [
      ...['-n', '-M', 'prepared', '-c', String(clients), '-j', String(clients), '-t', String(each), '-f', script],
      ...['-h', socket, '-U', url.username, url.pathname.slice(1)],
    ],
    { env: { PATH: '/usr/bin:/bin', PGOPTIONS: pgOptions() } },
  );
  const ms = performance.now() - startedMs;
  const serverUs = 1000 * (servers.cpuMs() - serverMs);
  await database.close();
  const steps = await store.committedSteps();
  if (steps !== total * 4) throw new Error(`pgbench committed ${steps} steps, not ${total * 4}`);
  return { value: (steps * 1000) / ms, cpuUs: { contender: Number.NaN, server: serverUs / steps } };
}

/** `set enable_sort = off` as `-c enable_sort=off`. */
function pgOptions(): string {
  return plannerPins.map((pin) => pin.replace(/^set (\w+) = (\w+)$/, '-c $1=$2')).join(' ');
}

/** One run of it is one batch of chains from claim to end. */
export function pgbenchScript(): string {
  const owner = `('00000000-0000-4000-8000-00000000000' || :client_id)::uuid`;
  const claim = fill(claimReady, {
    1: owner,
    2: String(batch),
    3: '0',
    4: `'{four 1}'::text[]`,
    5: 'null::boolean',
    6: "array_fill('-infinity'::float8, array[4])",
  });
  const moves = ['a', 'b', 'c', 'd'].map((step, place, steps) => fill(moveMany, movedBy(owner, step, place, steps)));
  return [
    `with claimed as (${claim}) select array_agg(id order by id)::text as ids from claimed \\gset`,
    ...moves.map((move) => `${move};`),
  ].join('\n');
}

function movedBy(owner: string, step: string, place: number, steps: readonly string[]): Record<number, string> {
  const all = (value: string) => `array_fill(${value}, array[${batch}])`;
  const next = steps[place + 1];
  return {
    1: owner,
    2: ':ids',
    3: all(`${place + 1}::bigint`),
    4: all(`'${step}'::text`),
    5: all('1::smallint'),
    6: all(`'00-0123456789abcdef0123456789abcdef-0123456789abcdef-01'::text`),
    7: all('100::bigint'),
    8: all(`'succeeded'::text`),
    9: all('null::text'),
    10: all(`'null'::text`),
    11: all(next ? `'${next}'::text` : 'null::text'),
    12: all('true'),
    13: all('2::smallint'),
    14: all(`'four'::text`),
    15: all(`${place + 1}::bigint`),
  };
}

/** The statement on one line with its parameters written out; pgbench makes its own of what is left. */
function fill(statement: string, values: Readonly<Record<number, string>>): string {
  return statement
    .replaceAll(/\$(\d+)/g, (_, number: string) => values[Number(number)]!)
    .replaceAll(/--.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

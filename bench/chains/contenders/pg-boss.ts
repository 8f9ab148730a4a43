/**
 * pg-boss 12 through its own doors. For rates: loops of `fetch`, one transaction that completes the batch and, where the
 * chain goes on by a new job, inserts that one; no loop ever waits for a poll. For latency: `work` with LISTEN/NOTIFY.
 *
 * Variants: `flow` (a flow of four jobs; `resolveFlow` whenever a fetch comes back short), `next` (each step inserts the
 * next in the transaction that completes it); with rows of their own: `savepoint` (one for each job in the batch's
 * transaction), `insert` (one insert for the whole batch), `transaction` (one for each job). The last three go on as `next`.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { loadPeer } from '../../peer-packages.ts';
import { callers } from '../callers.ts';
import { type OpenContender, wallMs } from '../protocol.ts';

interface Job {
  readonly id: string;
  readonly data: { readonly chain?: string; readonly place: number };
}
interface Db {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}
interface PgBoss {
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<unknown>;
  stop(options: { graceful: boolean }): Promise<void>;
  createQueue(name: string, options?: object): Promise<void>;
  send(name: string, data: object): Promise<string | null>;
  insert(name: string, jobs: readonly object[], options?: { db?: Db }): Promise<unknown>;
  flow(jobs: readonly object[]): Promise<unknown>;
  fetch(name: string, options: { batchSize: number }): Promise<Job[]>;
  complete(name: string, ids: readonly string[], data: null, options?: { db?: Db }): Promise<unknown>;
  resolveFlow(): Promise<void>;
  work(name: string, options: object, handler: (jobs: Job[], tx: Db) => Promise<void>): Promise<string>;
}

const queue = 'step';
/** Larger and smaller ones were slower: see RESULTS.md. */
const batchSize = 1_000;
const loops = 2;
const madeAtOnce = 1_000;

/** No maintenance during a measurement; tracing is a no-op until an SDK is there. */
async function startBoss(url: string, options: object): Promise<PgBoss> {
  const { PgBoss } = await loadPeer<{ PgBoss: new (options: object) => PgBoss }>('pg-boss');
  const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false, ...options });
  boss.on('error', (error) => console.error('pg-boss:', error.message));
  await boss.start();
  return boss;
}

/** Its schema and its queue, with NOTIFY or without. */
export async function installPgBoss(url: string, { notify }: { notify: boolean }): Promise<void> {
  const boss = await startBoss(url, { max: 2 });
  await boss.createQueue(queue, { notify });
  await boss.stop({ graceful: false });
}

export const openContender: OpenContender = async (order, ran) => {
  const { variant, work } = order;
  const boss = await startBoss(order.url, { max: 20, useListenNotify: variant === 'notify' });
  const pool = new pg.Pool({ connectionString: order.url, max: loops });
  const waiting = new Map<string, () => void>();
  const last = work === 'single' ? 0 : 3;
  let going = false;

  const nextOf = (jobs: readonly Job[]) =>
    jobs.filter(({ data }) => data.place < last).map(({ data }) => ({ data: { ...data, place: data.place + 1 } }));

  async function settle(jobs: readonly Job[], client: pg.PoolClient): Promise<void> {
    const db: Db = { executeSql: (text, values) => client.query(text, values) };
    const next = variant === 'flow' ? [] : nextOf(jobs);
    const ids = jobs.map(({ id }) => id);
    for (const _ of jobs) ran();
    if (work !== 'own' && next.length === 0) {
      await boss.complete(queue, ids, null);
      return;
    }
    await client.query('begin');
    if (work === 'own') await writeRows(client, variant, ids);
    await boss.complete(queue, ids, null, { db });
    if (next.length > 0) await boss.insert(queue, next, { db });
    await client.query('commit');
  }

  async function loop(): Promise<void> {
    const client = await pool.connect();
    while (going) {
      const jobs = await boss.fetch(queue, { batchSize });
      if (variant === 'transaction') for (const job of jobs) await settle([job], client);
      else if (jobs.length > 0) await settle(jobs, client);
      if (variant === 'flow' && jobs.length < batchSize) await boss.resolveFlow();
      if (jobs.length === 0) await delay(2);
    }
    client.release();
  }
  let looping: Promise<unknown> = Promise.resolve();

  return {
    async preload(chains) {
      for (let made = 0; made < chains; made += madeAtOnce) {
        const count = Math.min(madeAtOnce, chains - made);
        const all = Array.from({ length: count }, () => ({ data: { place: 0 } }));
        if (variant === 'flow') await boss.flow(all.flatMap(() => flowOfFour(randomUUID())));
        else await boss.insert(queue, all);
      }
      return wallMs();
    },
    async go() {
      if (variant !== 'notify') {
        going = true;
        looping = Promise.all(Array.from({ length: loops }, loop));
        looping.catch((error: unknown) => console.error('pg-boss:', error));
        return;
      }
      await boss.work(queue, { batchSize: 100, localConcurrency: 4, transactional: true }, async (jobs, tx) => {
        const next = nextOf(jobs);
        if (next.length > 0) await boss.insert(queue, next, { db: tx });
        for (const { data } of jobs) {
          ran();
          if (data.place === last) waiting.get(data.chain!)?.();
        }
      });
    },
    async hold() {
      going = false;
      await looping;
    },
    enqueue: ({ bulk, ...rest }) =>
      callers(rest, async () => {
        if (bulk === 1) await boss.send(queue, { place: 0 });
        else
          await boss.insert(
            queue,
            Array.from({ length: bulk }, () => ({ data: { place: 0 } })),
          );
        return bulk;
      }),
    async open(onLastStep) {
      const chain = randomUUID();
      waiting.set(chain, onLastStep);
      await boss.send(queue, { chain, place: 0 });
    },
    async close() {
      going = false;
      await looping;
      await boss.stop({ graceful: false });
      await pool.end();
    },
  };
};

function flowOfFour(chain: string): object[] {
  const ref = (place: number) => `${chain}.${place}`;
  return [0, 1, 2, 3].map((place) => ({
    ref: ref(place),
    name: queue,
    data: { place },
    ...(place > 0 ? { dependsOn: [ref(place - 1)] } : {}),
  }));
}

async function writeRows(client: pg.PoolClient, variant: string, ids: readonly string[]): Promise<void> {
  if (variant === 'insert') {
    await client.query({
      name: 'effects',
      text: `insert into effect (job, step) select id, 'x' from unnest($1::text[]) as j (id)`,
      values: [ids],
    });
    return;
  }
  for (const id of ids) {
    if (variant === 'savepoint') await client.query('savepoint job');
    await client.query({ name: 'effect', text: 'insert into effect (job, step) values ($1, $2)', values: [id, 'x'] });
    if (variant === 'savepoint') await client.query('release savepoint job');
  }
}

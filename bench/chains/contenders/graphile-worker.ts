/**
 * graphile-worker 0.18 with the settings of its performance page: 24 jobs at once, a local queue of 500, completions in
 * batches without delay. A step adds the next one by `addJob` from within its task; that is not in one transaction with its
 * completion. Steps with a row of their own write it and add the next job in one transaction (`withPgClient`).
 */
import { randomUUID } from 'node:crypto';
import { loadPeer } from '../../peer-packages.ts';
import { callers } from '../callers.ts';
import { type OpenContender, wallMs } from '../protocol.ts';

interface Payload {
  readonly chain?: string;
  readonly place: number;
}
interface Client {
  query(text: string | object, values?: unknown[]): Promise<unknown>;
}
interface Utils {
  addJob(task: string, payload: Payload): Promise<unknown>;
  addJobs(jobs: readonly { identifier: string; payload: Payload }[]): Promise<unknown>;
  withPgClient<T>(work: (client: Client) => Promise<T>): Promise<T>;
  release(): Promise<void>;
}
interface Runner {
  stop(): Promise<void>;
}
interface GraphileWorker {
  run(options: object): Promise<Runner>;
  makeWorkerUtils(options: object): Promise<Utils>;
  runMigrations(options: object): Promise<void>;
  readonly Logger: new (factory: () => () => void) => object;
}

const load = () => loadPeer<GraphileWorker>('graphile-worker');
const jobs = 24;
const task = 'step';

function presetOf({ Logger }: GraphileWorker, url: string): object {
  return {
    worker: {
      connectionString: url,
      concurrentJobs: jobs,
      maxPoolSize: jobs + 1,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      logger: new Logger(() => () => {}),
    },
  };
}

export async function installGraphileWorker(url: string): Promise<void> {
  const peer = await load();
  await peer.runMigrations({ preset: presetOf(peer, url) });
}

export const openContender: OpenContender = async ({ url, work }, ran) => {
  const peer = await load();
  const preset = presetOf(peer, url);
  const utils = await peer.makeWorkerUtils({ preset });
  const waiting = new Map<string, () => void>();
  const last = work === 'single' ? 0 : 3;
  let runner: Runner | null = null;

  async function step(payload: Payload, helpers: Pick<Utils, 'addJob' | 'withPgClient'>): Promise<void> {
    const next = payload.place < last ? { ...payload, place: payload.place + 1 } : null;
    if (work === 'own') await helpers.withPgClient((client) => writeAndGoOn(client, next));
    else if (next) await helpers.addJob(task, next);
    ran();
    if (!next && payload.chain) waiting.get(payload.chain)?.();
  }

  return {
    async preload(chains) {
      return utils.withPgClient(async (client) => {
        await client.query('begin');
        await client.query(addMany, [chains]);
        const startedMs = wallMs();
        await client.query('commit');
        return startedMs;
      });
    },
    async go() {
      runner ??= await peer.run({ preset, taskList: { [task]: step }, noHandleSignals: true });
    },
    hold: async () => {},
    enqueue: ({ bulk, ...rest }) =>
      callers(rest, async () => {
        if (bulk === 1) await utils.addJob(task, { place: 0 });
        else await utils.addJobs(Array.from({ length: bulk }, () => ({ identifier: task, payload: { place: 0 } })));
        return bulk;
      }),
    async open(onLastStep) {
      const chain = randomUUID();
      waiting.set(chain, onLastStep);
      await utils.addJob(task, { chain, place: 0 });
    },
    async close() {
      await runner?.stop();
      await utils.release();
    },
  };
};

const addMany = `
  select count(*) from graphile_worker.add_jobs(array(
    select json_populate_record(null::graphile_worker.job_spec, '{"identifier": "step", "payload": {"place": 0}}')
    from generate_series(1, $1)), false)`;

async function writeAndGoOn(client: Client, next: Payload | null): Promise<void> {
  await client.query('begin');
  try {
    await client.query({
      name: 'effect',
      text: 'insert into effect (job, step) values ($1, $2)',
      values: [randomUUID(), 'x'],
    });
    if (next) {
      await client.query({
        name: 'next',
        text: `select graphile_worker.add_job('step', $1::json)`,
        values: [JSON.stringify(next)],
      });
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

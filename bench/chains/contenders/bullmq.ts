/**
 * BullMQ 6 on Redis: a chain is a flow in which each step is the parent of the one before, all made at the start. One
 * worker with 100 jobs at once. Its steps cannot write rows in one transaction with their completion.
 */
import { randomUUID } from 'node:crypto';
import { loadPeer } from '../../peer-packages.ts';
import { callers } from '../callers.ts';
import { type OpenContender, wallMs } from '../protocol.ts';

interface Job {
  readonly name: string;
  readonly data: { readonly chain?: string };
}
interface Queue {
  add(name: string, data: object): Promise<unknown>;
  addBulk(jobs: readonly { name: string; data: object }[]): Promise<unknown>;
  close(): Promise<void>;
}
interface Flows {
  add(flow: Flow): Promise<unknown>;
  addBulk(flows: readonly Flow[]): Promise<unknown>;
  close(): Promise<void>;
}
interface Worker {
  on(event: 'error', listener: (error: Error) => void): void;
  run(): Promise<void>;
  pause(): Promise<void>;
  resume(): void;
  close(force: boolean): Promise<void>;
}
interface Bullmq {
  readonly Queue: new (name: string, options: object) => Queue;
  readonly FlowProducer: new (options: object) => Flows;
  readonly Worker: new (name: string, processor: (job: Job) => Promise<void>, options: object) => Worker;
}
interface Flow {
  readonly name: string;
  readonly queueName: string;
  readonly data: object;
  readonly children?: readonly Flow[];
}

const queueName = 'step';
const jobsAtOnce = 100;
const madeAtOnce = 500;

export const openContender: OpenContender = async ({ redis, work }, ran) => {
  const { Queue, FlowProducer, Worker } = await loadPeer<Bullmq>('bullmq');
  const connection = { path: redis, maxRetriesPerRequest: null };
  const queue = new Queue(queueName, { connection });
  const flows = new FlowProducer({ connection });
  const waiting = new Map<string, () => void>();
  let running = false;
  const worker = new Worker(
    queueName,
    async ({ name, data }) => {
      ran();
      if (name === 'd' && data.chain) waiting.get(data.chain)?.();
    },
    { connection, autorun: false, concurrency: jobsAtOnce },
  );
  worker.on('error', (error) => console.error('bullmq:', error.message));

  return {
    async preload(chains) {
      for (let made = 0; made < chains; made += madeAtOnce) {
        const count = Math.min(madeAtOnce, chains - made);
        const all = Array.from({ length: count }, () => ({ name: 'a', data: {} }));
        if (work === 'single') await queue.addBulk(all);
        else await flows.addBulk(all.map(() => flowOfFour({})));
      }
      return wallMs();
    },
    async go() {
      if (running) worker.resume();
      else worker.run().catch((error: unknown) => console.error('bullmq:', error));
      running = true;
    },
    hold: () => worker.pause(),
    enqueue: ({ bulk, ...rest }) =>
      callers(rest, async () => {
        if (bulk === 1) await queue.add('a', {});
        else await queue.addBulk(Array.from({ length: bulk }, () => ({ name: 'a', data: {} })));
        return bulk;
      }),
    async open(onLastStep) {
      const chain = randomUUID();
      waiting.set(chain, onLastStep);
      await flows.add(flowOfFour({ chain }));
    },
    async close() {
      await worker.close(true);
      await flows.close();
      await queue.close();
    },
  };
};

function flowOfFour(data: object): Flow {
  const step = (name: string, child?: Flow): Flow => ({
    name,
    queueName,
    data,
    ...(child ? { children: [child] } : {}),
  });
  return step('d', step('c', step('b', step('a'))));
}

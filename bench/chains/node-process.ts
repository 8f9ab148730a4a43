/** One process of a contender: does what the bench orders over IPC, and ends when that channel closes. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Contender, FromContender, OpenContender, Order, ToContender } from './protocol.ts';

const contenders: Readonly<Record<string, () => Promise<{ readonly openContender: OpenContender }>>> = {
  linekeeper: () => import('./contenders/linekeeper.ts'),
  'pg-boss': () => import('./contenders/pg-boss.ts'),
  'graphile-worker': () => import('./contenders/graphile-worker.ts'),
  bullmq: () => import('./contenders/bullmq.ts'),
};

const tellEveryMs = 5;

function tell(message: FromContender): void {
  process.send?.(message);
}

async function answer(contender: Contender, message: ToContender): Promise<unknown> {
  switch (message.call) {
    case 'preload':
      return contender.preload(message.chains);
    case 'enqueue':
      return contender.enqueue(message.order);
    case 'latency':
      return latencies(contender, message.chains, message.everyMs);
    default:
      return contender[message.call]();
  }
}

/** Opens chains at a steady rate; milliseconds of each from before its enqueue until its last step has run. */
async function latencies(contender: Contender, chains: number, everyMs: number): Promise<number[]> {
  const beganMs = performance.now();
  const samples: Promise<number>[] = [];
  for (let index = 0; index < chains; index += 1) {
    await delay(Math.max(0, beganMs + index * everyMs - performance.now()));
    samples.push(
      new Promise((resolve, reject) => {
        const openedMs = performance.now();
        contender.open(() => resolve(performance.now() - openedMs)).catch(reject);
      }),
    );
  }
  return Promise.all(samples);
}

async function main(): Promise<void> {
  const order = JSON.parse(process.argv[2]!) as Order;
  let steps = 0;
  let told = 0;
  const { openContender } = await contenders[order.contender]!();
  const contender = await openContender(order, () => {
    steps += 1;
  });
  setInterval(() => {
    if (steps === told) return;
    told = steps;
    tell({ told: 'ran', steps });
  }, tellEveryMs).unref();
  process.on('message', (message: ToContender) => {
    answer(contender, message).then(
      (value) => tell({ told: 'answer', id: message.id, value: value ?? null }),
      (error: unknown) => tell({ told: 'failure', id: message.id, error: String((error as Error).stack ?? error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  tell({ told: 'ready' });
}

await main();

/**
 * Our engine through its real lanes, with everything on that is always on: tokens, lease, pauses, priorities, one
 * traceparent for each chain and one for each attempt. Variants for steps with rows of their own: `shared` (callbacks share
 * their transactions) and `alone` (one transaction for each).
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { z } from 'zod';
import { chain, type Handler, type StepOptions, succeeded } from '../../../src/chains/define.ts';
import { createEngine } from '../../../src/chains/engine.ts';
import { createEnqueue } from '../../../src/chains/enqueue.ts';
import { insertMany } from '../../../src/chains/group-enqueue.ts';
import { createRegistry } from '../../../src/chains/registry.ts';
import { openDatabase } from '../../../src/database/pool.ts';
import { ownSchema } from '../../../src/database/schema-range.ts';
import { inProcessSignals } from '../../../src/signals/in-process.ts';
import { callers } from '../callers.ts';
import { newChains } from '../new-chains.ts';
import { type OpenContender, type Order, wallMs } from '../protocol.ts';

const input = z.record(z.string(), z.json());
type Input = z.infer<typeof input>;
const insertsAtOnce = 1_000;

export function definitionsOf(
  { variant, work }: Pick<Order, 'variant' | 'work'>,
  ran: (step: string, input: Input) => void,
) {
  const handler =
    (step: string): Handler<Input> =>
    async (context) => {
      ran(step, context.input);
      if (work !== 'own') return succeeded();
      return succeeded({
        commit: async (tx) => {
          await tx.query('insert into effect (chain_id, step) values ($1, $2)', [context.chainId, step]);
        },
      });
    };
  const options: StepOptions = { shared: variant === 'shared' };
  const first = chain(work, input).step('a', handler('a'), options);
  if (work === 'single') return first;
  return first.step('b', handler('b'), options).step('c', handler('c'), options).step('d', handler('d'), options);
}

export const openContender: OpenContender = async (order, ran) => {
  const waiting = new Map<string, () => void>();
  const definition = definitionsOf(order, (step, { id }) => {
    ran();
    if (step !== 'd' || typeof id !== 'string') return;
    waiting.get(id)?.();
    waiting.delete(id);
  });
  const signals = inProcessSignals((error) => {
    throw error;
  });
  const database = openDatabase(order.url, { applicationName: 'bench', prepare: true });
  const enqueue = createEnqueue({ registry: createRegistry([definition]), signals });
  const log = { info() {}, warn() {}, error: (fields: object, message: string) => console.error(message, fields) };
  const engine = createEngine({
    open: (options) => openDatabase(order.url, options),
    definitions: [definition],
    signals,
    log,
    clock: { monotonicMs: () => performance.now() },
    random: Math.random,
    nodeInfo: { host: hostname(), pid: process.pid, release: '0.1.0', schema: ownSchema() },
    alerts: { raise: (alert) => console.error('alert', alert), resolve() {}, flush: async () => {} },
    // the bench's database does not go away
    availability: { report: () => true, whenUp: async () => {} },
  });

  return {
    async preload(chains) {
      let startedMs = 0;
      await database.transaction(async (tx) => {
        for (let made = 0; made < chains; made += insertsAtOnce) {
          await tx.query(insertMany, newChains(definition.name, Math.min(insertsAtOnce, chains - made)));
        }
        startedMs = wallMs();
      });
      return startedMs;
    },
    async go() {
      engine.start();
      engine.wake();
    },
    hold: async () => {},
    enqueue: ({ bulk, ...rest }) =>
      callers(rest, async () => {
        const calls = Array.from({ length: bulk }, () => enqueue(database, definition, {}));
        return (await Promise.all(calls)).length;
      }),
    async open(onLastStep) {
      const id = randomUUID();
      waiting.set(id, onLastStep);
      await enqueue(database, definition, { id });
    },
    async close() {
      await engine.stop(5_000);
      await database.close();
    },
  };
};

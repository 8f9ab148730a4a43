/**
 * The work of a run: chains come in one after the other, drawn from the seed, whatever happens to the database. What was
 * acknowledged is remembered; a chain whose acknowledgement was lost is tried again under its unique key.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../../src/chains/define.ts';
import { createEnqueue, type EnqueueOptions } from '../../src/chains/enqueue.ts';
import type { Priority } from '../../src/chains/priority.ts';
import { type AnyDefinition, createRegistry } from '../../src/chains/registry.ts';
import { inProcessSignals } from '../../src/signals/in-process.ts';
import type { Draw } from './draw.ts';
import { mayPass, type Stage } from './stage.ts';
import { allChains, burst, copying, deployedNew, family, keyed, line, patient, shared } from './workload-chains.ts';

export interface Load {
  /** Again and again while the database is away. Resolves to the chain's id. */
  enqueue(definition: AnyDefinition, input: Json, options?: EnqueueOptions): Promise<string>;
  /** Ids of all that were acknowledged. */
  acknowledged(): readonly string[];
  /** Until `stop`. */
  start(draw: Draw): void;
  /** Resolves when everything that was begun is in. */
  stop(): Promise<void>;
}

/** Average time between two chains that come in. */
const everyMs = 60;
const mostAtOnce = 16;

export function createLoad(stage: Stage): Load {
  const enqueueOnce = createEnqueue({ registry: createRegistry(allChains), signals: inProcessSignals(() => {}) });
  const acknowledged: string[] = [];
  const underWay = new Set<Promise<unknown>>();
  let keys = 0;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();

  async function enqueue(definition: AnyDefinition, input: Json, options: EnqueueOptions = {}): Promise<string> {
    keys += 1;
    const uniqueKey = `load-${keys}`;
    for (;;) {
      try {
        const { chainId } = await enqueueOnce(stage.database, definition, input, { uniqueKey, ...options });
        acknowledged.push(chainId);
        return chainId;
      } catch (error) {
        if (!mayPass(error)) throw error;
        await delay(100);
      }
    }
  }

  async function comeIn(draw: Draw): Promise<void> {
    while (!stopped) {
      const { definition, input, priority } = drawChain(draw);
      const begun: Promise<unknown> = enqueue(definition, input, { priority }).finally(() => underWay.delete(begun));
      underWay.add(begun);
      if (underWay.size >= mostAtOnce) await Promise.race(underWay);
      await delay(draw.int(0, 2 * everyMs));
    }
  }

  return {
    enqueue,
    acknowledged: () => acknowledged,
    start(draw) {
      running = comeIn(draw);
    },
    async stop() {
      stopped = true;
      await running;
      await Promise.all(underWay);
    },
  };
}

function drawChain(draw: Draw): { definition: AnyDefinition; input: Json; priority: Priority } {
  // a few long ones, so that whoever is killed is in the midst of something
  const ms = draw.chance(0.08) ? draw.int(300, 1_200) : draw.int(0, 60);
  const priority = draw.pick<Priority>(['critical', 'high', 'normal', 'normal', 'low']);
  const of = (definition: AnyDefinition, input: Json) => ({ definition, input, priority });
  const die = draw.int(1, 100);
  if (die <= 28) return of(line, { ms });
  if (die <= 52) return of(shared, { ms });
  if (die <= 58) return of(copying, { ms });
  if (die <= 65) return of(family, { children: draw.int(0, 12) });
  if (die <= 78) return of(keyed, { ms: Math.min(ms, 60), key: `key-${draw.int(1, 4)}` });
  if (die <= 88) return of(patient, { times: draw.int(1, 3), afterMs: draw.int(50, 700) });
  if (die <= 94) return of(deployedNew, { ms });
  return of(burst, { ms });
}

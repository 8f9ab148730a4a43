/** What the engine's tests share: a real database, real engines on it, and the small parts main would give them. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { AlertInput } from '../../src/alerts/alerts.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import { createEngine, type Engine } from '../../src/chains/engine.ts';
import { createEnqueue, type Enqueue } from '../../src/chains/enqueue.ts';
import type { EngineAvailability, EngineOptions } from '../../src/chains/environment.ts';
import { type AnyDefinition, createRegistry } from '../../src/chains/registry.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { ownSchema } from '../../src/database/schema-range.ts';
import type { Database, Row } from '../../src/database/session.ts';
import { inProcessSignals } from '../../src/signals/in-process.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

export interface Harness {
  readonly url: string;
  readonly database: Database;
  readonly alerts: AlertInput[];
  engine(definitions: readonly AnyDefinition[], options?: Partial<EngineOptions> & { url?: string }): Engine;
  /** Enqueues without any signal reaching the engines: what then happens is the sweep's doing. */
  enqueueWith(definitions: readonly AnyDefinition[]): Enqueue;
  /** Resolves to the chain's row once `ready` accepts it; fails with the row after `timeoutMs`. */
  chainUntil(chainId: string, ready: (row: Row) => boolean, timeoutMs?: number): Promise<Row>;
  close(): Promise<void>;
}

export async function harness(existing?: { url: string }): Promise<Harness> {
  const server: TestDatabase | null = existing ? null : await testDatabase();
  const url = existing?.url ?? server!.url;
  const alerts: AlertInput[] = [];
  const database = openDatabase(url, { applicationName: 'test', onError: () => {} });
  await database.query('create table if not exists effect (chain_id bigint, step text, primary key (chain_id, step))');
  const engines: Engine[] = [];
  const end = new AbortController();
  const signals = inProcessSignals((error) => {
    throw error;
  });
  const chainUntil: Harness['chainUntil'] = (chainId, ready, timeoutMs = 10_000) =>
    until(async () => (await database.query('select * from chain where id = $1', [chainId]))[0]!, ready, timeoutMs);
  return {
    url,
    database,
    alerts,
    engine(definitions, { url: engineUrl = url, ...options } = {}) {
      const engine = createEngine({
        open: (poolOptions) => openDatabase(engineUrl, poolOptions),
        definitions,
        signals: inProcessSignals(() => {}),
        log: silentLog,
        clock: { monotonicMs: () => performance.now() },
        random: Math.random,
        nodeInfo: { host: 'test', pid: process.pid, release: '0.1.0', schema: ownSchema() },
        alerts: { raise: (alert) => void alerts.push(alert), resolve() {}, flush: async () => {} },
        availability: proberOf(engineUrl, end.signal),
        lanes: 4,
        leaseMs: 600,
        beatMs: 100,
        sweepMs: 30,
        // its statements must not be the ones that a test of lost answers and locks is after
        proofMs: 3_600_000,
        ...options,
      });
      engines.push(engine);
      engine.start();
      return engine;
    },
    enqueueWith: (definitions) => createEnqueue({ registry: createRegistry(definitions), signals }),
    chainUntil,
    async close() {
      await Promise.all(engines.map((engine) => engine.stop(0)));
      end.abort();
      await database.close();
      await server?.close();
    },
  };
}

/** Looks again every 10 ms; fails with what it saw last. */
export async function until<T>(look: () => Promise<T>, ready: (seen: T) => boolean, timeoutMs = 10_000): Promise<T> {
  const beganMs = performance.now();
  for (;;) {
    const seen = await look();
    if (ready(seen)) return seen;
    if (performance.now() - beganMs > timeoutMs) {
      throw new Error(`still not so after ${timeoutMs} ms: ${JSON.stringify(seen)}`);
    }
    await delay(10);
  }
}

export const isState =
  (...states: string[]) =>
  (row: Row): boolean =>
    states.includes(row.state);

export const silentLog = { info() {}, warn() {}, error() {} };

/** A real prober: down at a report, up again when a new session answers. */
export function proberOf(url: string, end: AbortSignal): EngineAvailability {
  let probing: Promise<void> | null = null;
  async function probe(): Promise<void> {
    while (!end.aborted) {
      const database = openDatabase(url, { applicationName: 'prober', max: 1, onError: () => {} });
      try {
        await database.query('select 1');
        probing = null;
        return;
      } catch {
        await delay(20);
      } finally {
        await database.close();
      }
    }
  }
  return {
    report() {
      probing ??= probe();
      return true;
    },
    async whenUp(signal) {
      signal?.throwIfAborted();
      if (!probing) return;
      const { promise, reject } = Promise.withResolvers<never>();
      promise.catch(() => {});
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      await Promise.race([probing, promise]);
    },
  };
}

export const anyInput = z.record(z.string(), z.json());

/** A handler whose only effect is one row that cannot be written twice. */
export function effect(step: string) {
  return async ({ chainId, attempt }: { chainId: string; attempt: number }) =>
    succeeded({
      output: { step, attempt },
      commit: async (tx) => {
        await tx.query('insert into effect (chain_id, step) values ($1, $2)', [chainId, step]);
      },
    });
}

/** Four steps that each write one unique effect. */
export const fourSteps = chain('four-steps', anyInput)
  .step('one', effect('one'))
  .step('two', effect('two'))
  .step('three', effect('three'))
  .step('four', effect('four'));

/** The same, with callbacks that share their transactions with those of other chains. */
export const sharedSteps = chain('shared-steps', anyInput)
  .step('one', effect('one'), { shared: true })
  .step('two', effect('two'), { shared: true })
  .step('three', effect('three'), { shared: true })
  .step('four', effect('four'), { shared: true });

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type CellContext, enqueuesPerSecond, latencyMs, stepsPerSecond } from '../../../bench/chains/cells.ts';
import { type Servers, startServers } from '../../../bench/chains/servers.ts';
import { createStores, type Store } from '../../../bench/chains/stores.ts';

let servers: Servers;
let context: CellContext;

before(async () => {
  servers = await startServers({ redis: false });
  context = { servers, storeOf: createStores(servers) };
});
after(() => servers.stop());

const ours = { contender: 'linekeeper', variant: 'shared' };
const tiny = { work: 'own', chains: 30, warmChains: 5, warmMs: 0, nodes: 2 } as const;

/** Stores whose answers are changed. */
function withStores(change: (store: Store) => Partial<Store>): CellContext {
  return {
    servers,
    storeOf: async (contender, variant) => {
      const store = await context.storeOf(contender, variant);
      return { ...store, ...change(store) };
    },
  };
}

test('our engine runs in two processes, and its steps and their rows are counted in the database', async () => {
  const { value, cpuUs } = await stepsPerSecond(context, ours, tiny);
  assert.ok(value > 0);
  assert.ok(cpuUs!.contender > 0 && cpuUs!.server > 0, JSON.stringify(cpuUs));
  const left = await servers.admin.query(`select datname from pg_database where datname ~ '^bench_'`);
  assert.deepEqual(left, [], 'the database of a measurement is dropped');
});

test('a measurement fails when the store holds fewer steps than the contender ran', async () => {
  const lossy = withStores((store) => ({ committedSteps: async () => (await store.committedSteps()) - 1 }));
  await assert.rejects(stepsPerSecond(lossy, ours, tiny), /119 steps are committed, not 120/);
});

test('a measurement fails when steps wrote other rows than they should', async () => {
  const double = withStores((store) => ({ effects: async () => (await store.effects()) + 1 }));
  await assert.rejects(stepsPerSecond(double, ours, tiny), /its steps wrote 121 rows, not 120/);
});

test('a measurement fails on a finding of the audit', async () => {
  const found = withStores(() => ({ auditFindings: async () => 1 }));
  await assert.rejects(stepsPerSecond(found, ours, tiny), /the audit has 1 findings/);
});

test('what callers enqueued is there, one by one and in bulk', async () => {
  const order = { ms: 40, callers: 3 };
  assert.ok((await enqueuesPerSecond(context, ours, { ...order, bulk: 1 })).value > 0);
  assert.ok((await enqueuesPerSecond(context, ours, { ...order, bulk: 20 })).value > 0);
});

test('latency has a median and a 99th percentile', async () => {
  const { value, p99 } = await latencyMs(context, ours, { chains: 8, everyMs: 5, warmChains: 2 });
  assert.ok(value > 0 && p99! >= value, `${value} ${p99}`);
});

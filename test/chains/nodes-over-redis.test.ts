/** Two engines on one database whose sweeps are far apart: what one opens the other starts, because Redis told it. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { chain, succeeded } from '../../src/chains/define.ts';
import type { Engine } from '../../src/chains/engine.ts';
import { createEnqueue } from '../../src/chains/enqueue.ts';
import { createRegistry } from '../../src/chains/registry.ts';
import type { RedisSignals } from '../../src/signals/redis.ts';
import { application, signalsAt, stateOf, stopAll } from '../signals/redis-harness.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { anyInput, type Harness, harness, isState, until } from './harness.ts';

/** Nothing in these tests may wait for a sweep. */
const sweepMs = 60_000;

let redis: TestRedis;
let here: Harness;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());
afterEach(async () => {
  await here.close();
  stopAll();
});

/** A chain that runs until the test ends it. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const definition = chain('held', anyInput).step('wait', async () => {
    await promise;
    return succeeded();
  });
  return { definition, release: resolve };
}

async function signalsOf(prefix: string): Promise<RedisSignals> {
  const signals = signalsAt(redis.url, prefix);
  signals.start(application);
  await stateOf(signals, 'up');
  return signals;
}

test('a chain that is opened at a node whose lanes are full is started by the other one at once', async () => {
  here = await harness();
  const { definition, release } = held();
  const options = { lanes: 1, sweepMs, leaseMs: 5_000, beatMs: 1_000 };
  const signals = await signalsOf('full-lanes');
  const full = here.engine([definition], { ...options, signals });
  const enqueue = createEnqueue({ registry: createRegistry([definition]), signals });
  const first = await enqueue(here.database, definition, {});
  const one = await here.chainUntil(first.chainId, isState('running'));
  assert.equal(one.owner, full.status().bootId);

  const idle = here.engine([definition], { ...options, signals: await signalsOf('full-lanes') });
  await until(
    async () => idle.status().claimedMsAgo,
    (ago) => ago !== null,
  );
  const beganMs = performance.now();
  const second = await enqueue(here.database, definition, {});
  const two = await here.chainUntil(second.chainId, isState('running'), 5_000);
  const tookMs = performance.now() - beganMs;
  assert.equal(two.owner, idle.status().bootId);
  assert.ok(tookMs < 2_000, `${tookMs} ms`);
  release();
  for (const { chainId } of [first, second]) await here.chainUntil(chainId, isState('succeeded'));
});

test('a node that looked before a chain took its lane again with the next step keeps no hint from an idle one', async () => {
  here = await harness();
  const { promise, resolve } = Promise.withResolvers<void>();
  const definition = chain('two-steps', anyInput)
    .step('first', async () => succeeded())
    .step('wait', async () => {
      await promise;
      return succeeded();
    });
  const options = { lanes: 1, sweepMs, leaseMs: 5_000, beatMs: 1_000 };
  const signals = await signalsOf('continued');
  here.engine([definition], { ...options, signals });
  const enqueue = createEnqueue({ registry: createRegistry([definition]), signals });
  const first = await enqueue(here.database, definition, {});
  const full = await here.chainUntil(first.chainId, (row) => row.step === 'wait' && row.state === 'running');
  const idle = here.engine([definition], { ...options, signals: await signalsOf('continued') });
  await until(
    async () => idle.status().claimedMsAgo,
    (ago) => ago !== null,
  );
  const { chainId } = await enqueue(here.database, definition, {});
  const row = await here.chainUntil(chainId, isState('running'), 5_000);
  assert.notEqual(row.owner, full.owner);
  resolve();
});

test('many chains opened at one full node fill every lane of the others at once', async () => {
  here = await harness();
  const { definition, release } = held();
  const options = { lanes: 4, sweepMs, leaseMs: 5_000, beatMs: 1_000 };
  const engines: Engine[] = [];
  const nodes = await Promise.all([signalsOf('many'), signalsOf('many'), signalsOf('many')]);
  for (const signals of nodes) engines.push(here.engine([definition], { ...options, signals }));
  for (const engine of engines) {
    await until(
      async () => engine.status().claimedMsAgo,
      (ago) => ago !== null,
    );
  }
  const enqueue = createEnqueue({ registry: createRegistry([definition]), signals: nodes[0]! });
  const opened = await Promise.all(Array.from({ length: 20 }, () => enqueue(here.database, definition, {})));
  await until(
    async () => engines.map((engine) => engine.status().busy),
    (busy) => busy.every((count) => count === 4),
    5_000,
  );
  // what they had no room for is found when their lanes come free, without a sweep too
  release();
  for (const { chainId } of opened) await here.chainUntil(chainId, isState('succeeded'), 5_000);
});

for (const [how, deadlineMs] of [
  ['whose step ends while it drains', 5_000],
  ['whose step does not end', 100],
] as const) {
  test(`a node that stops and ${how}: an idle one goes on at once`, async () => {
    here = await harness();
    const { promise, resolve } = Promise.withResolvers<void>();
    const definition = chain('two-steps', anyInput)
      .step('wait', async (context) => {
        await Promise.race([promise, new Promise((end) => context.signal.addEventListener('abort', end))]);
        context.signal.throwIfAborted();
        return succeeded();
      })
      .step('end', async () => succeeded());
    const options = { lanes: 2, sweepMs, leaseMs: 60_000, beatMs: 1_000 };
    const prefix = `stops-${deadlineMs}`;
    const signals = await signalsOf(prefix);
    const stops = here.engine([definition], { ...options, signals });
    const enqueue = createEnqueue({ registry: createRegistry([definition]), signals });
    const { chainId } = await enqueue(here.database, definition, {});
    await here.chainUntil(chainId, isState('running'));
    const idle = here.engine([definition], { ...options, signals: await signalsOf(prefix) });
    await until(
      async () => idle.status().claimedMsAgo,
      (ago) => ago !== null,
    );
    const stopped = stops.stop(deadlineMs);
    if (deadlineMs > 1_000) resolve();
    await stopped;
    resolve();
    const ended = await here.chainUntil(chainId, isState('succeeded'), 5_000);
    assert.equal(ended.attempt, 1);
  });
}

test('a node whose Redis is gone opens chains as before, and its own engine starts them at once', async () => {
  here = await harness();
  const { definition, release } = held();
  release();
  const signals = signalsAt('redis://127.0.0.1:1', 'gone');
  signals.start(application);
  await stateOf(signals, 'down');
  here.engine([definition], { lanes: 1, sweepMs, leaseMs: 5_000, beatMs: 1_000, signals });
  const enqueue = createEnqueue({ registry: createRegistry([definition]), signals });
  for (let count = 0; count < 5; count += 1) {
    const { chainId } = await enqueue(here.database, definition, {});
    await here.chainUntil(chainId, isState('succeeded'), 5_000);
  }
});

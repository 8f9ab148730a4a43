/**
 * Two services with one PostgreSQL and one Redis, as on two machines: work spreads over both, one that is killed or stopped
 * leaves its chains to the other, and whatever happens to Redis costs time only. The totals are always those of one service
 * alone.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import {
  assertSound,
  digestsOf,
  healthOf,
  hold,
  startSync,
  stateDirectory,
  syncEnds,
  troubles,
} from '../support/recovery.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { type RunningService, startService, until, working } from '../support/service.ts';
import { makeWorld, type World } from '../support/world.ts';

const customers = ['C001', 'C002', 'C003', 'C004'];
/** So far apart that nothing in a test can be the sweep's doing. */
const farSweep = { LINEKEEPER_CHAINS_SWEEP_MS: '60000' };

let world: World;
let redis: TestRedis;
/** Of one service alone. */
let undisturbed: string[];

before(async () => {
  redis = await startRedis();
  world = await makeWorld(['--records', '1200', '--subs', '4', '--customers', '4', '--months', '2026-03']);
  await withServices({}, async ({ start, database }) => {
    const service = await start();
    const tasks = await syncAll(service);
    for (const task of tasks) await syncEnds(service, task);
    undisturbed = await digestsOf(database);
  });
  assert.equal(undisturbed.length, 4, undisturbed.join('\n'));
});
after(async () => {
  await world?.close();
  await redis?.stop();
});

interface Services {
  /** Another one on the same database, archive and Redis; resolves when it works. */
  readonly start: (env?: Record<string, string>) => Promise<RunningService>;
  readonly database: Database;
  readonly url: string;
}

let prefixes = 0;
async function withServices(env: Record<string, string>, run: (services: Services) => Promise<void>): Promise<void> {
  const url = await world.database();
  const database = openDatabase(url, { applicationName: 'test', max: 2, onError: () => {} });
  const archive = join(stateDirectory(), 'archive');
  prefixes += 1;
  const shared = {
    LINEKEEPER_ARCHIVE_DIRECTORY: archive,
    REDIS_URL: redis.url,
    LINEKEEPER_REDIS_PREFIX: `services-${prefixes}`,
    ...env,
  };
  const services: RunningService[] = [];
  const start = async (more: Record<string, string> = {}) => {
    const service = startService({ databaseUrl: url, stateDirectory: stateDirectory(), env: { ...shared, ...more } });
    services.push(service);
    await working(service);
    return service;
  };
  try {
    await run({ start, database, url });
  } finally {
    await Promise.all(services.map((service) => service.stop()));
    await database.close();
  }
}

async function syncAll(service: RunningService, of = customers): Promise<string[]> {
  const started = await Promise.all(of.map((customer) => startSync(service, customer)));
  return started.map(({ task }) => task);
}

/** Process ids of the nodes that run rate, sorted, one for each chain. */
async function ratingAt(database: Database): Promise<number[]> {
  const rows = await database.query<{ pid: number }>(
    `select n.pid from chain c join node n on n.id = c.owner
     where c.name = 'kpn-sp16' and c.step = 'rate' and c.state = 'running' order by n.pid`,
  );
  return rows.map(({ pid }) => pid);
}

/** Process ids of the nodes that a step succeeded on, each once. */
async function nodesOf(database: Database, step: string): Promise<number[]> {
  const rows = await database.query<{ pid: number }>(
    `select distinct n.pid from step_log l join node n on n.id = l.node
     where l.step = $1 and l.outcome = 'succeeded' order by n.pid`,
    [step],
  );
  return rows.map(({ pid }) => pid);
}

async function pidsOf(...services: RunningService[]): Promise<number[]> {
  const pids: number[] = [];
  for (const service of services) pids.push((await healthOf(service)).pid);
  return pids.sort((a, b) => a - b);
}

const signalsOf = async (service: RunningService) =>
  (await healthOf(service)).checks.find(({ name }) => name === 'signals')!;

async function hintsAre(status: string, ...services: RunningService[]): Promise<void> {
  for (const service of services) {
    await until(`hints to be ${status}`, async () => (await signalsOf(service)).status === status);
  }
}

describe('two services with one PostgreSQL and one Redis', { concurrency: 1 }, () => {
  test('what one of them is given is done by both, by hints alone', () =>
    withServices({ ...farSweep, LINEKEEPER_CHAINS_LANES: '2' }, async ({ start, database, url }) => {
      const one = await start();
      const held = await hold(url, 'rate');
      const tasks = await syncAll(one, customers.slice(0, 2));
      await until('its lanes to be full', async () => (await ratingAt(database)).length === 2);
      const other = await start();
      const [first, second] = await pidsOf(one, other);
      tasks.push(...(await syncAll(one, customers.slice(2))));
      await until('the other one to be at work too', async () => (await ratingAt(database)).length === 4, 10_000);
      assert.deepEqual(await ratingAt(database), [first, first, second, second]);
      await held.release();
      for (const task of tasks) await syncEnds(other, task, 15_000);
      assert.deepEqual(await nodesOf(database, 'rate'), [first, second]);
      assert.deepEqual(await troubles(database), []);
      assert.deepEqual(await digestsOf(database), undisturbed);
      await assertSound(database);
    }));

  test('the chains of one that was killed go on at the other within three lease periods', () => {
    const leaseMs = 2_000;
    const env = { LINEKEEPER_CHAINS_LEASE_MS: `${leaseMs}`, LINEKEEPER_CHAINS_BEAT_MS: '400' };
    return withServices(env, async ({ start, database, url }) => {
      const one = await start();
      const held = await hold(url, 'rate');
      const tasks = await syncAll(one);
      const [killed] = await pidsOf(one);
      await until('its chains to be held', async () => (await ratingAt(database)).length === 4);
      const other = await start();
      process.kill(killed!, 'SIGKILL');
      const beganMs = performance.now();
      await until('the other one to have freed its chains', async () => (await troubles(database)).length === 4);
      const tookMs = performance.now() - beganMs;
      assert.ok(tookMs < 3 * leaseMs, `${tookMs} ms`);
      await held.release();
      for (const task of tasks) await syncEnds(other, task, 30_000);
      const lines = ['rate recovered its node is gone', 'rate succeeded '].flatMap((line) => Array(4).fill(line));
      assert.deepEqual((await troubles(database)).sort(), lines);
      assert.deepEqual(await digestsOf(database), undisturbed);
      await assertSound(database);
    });
  });

  test('one that is told to end hands over at once, without a sweep, a lease or an attempt', () =>
    withServices({ ...farSweep, LINEKEEPER_CHAINS_LEASE_MS: '60000' }, async ({ start, database, url }) => {
      const one = await start();
      const held = await hold(url, 'rate');
      const tasks = await syncAll(one);
      const [ending] = await pidsOf(one);
      await until('its chains to be held', async () => (await ratingAt(database)).length === 4);
      const other = await start();
      const [heir] = await pidsOf(other);
      one.child.kill('SIGTERM');
      await until('it to drain', async () => {
        const [node] = await database.query('select state from node where pid = $1', [ending]);
        return node!.state === 'draining';
      });
      await held.release();
      for (const task of tasks) await syncEnds(other, task, 15_000);
      assert.deepEqual(await one.ended, { code: 0, signal: null });
      assert.deepEqual(await nodesOf(database, 'rate'), [ending]);
      assert.deepEqual(await nodesOf(database, 'totals'), [heir]);
      assert.deepEqual(await troubles(database), []);
      assert.deepEqual(await digestsOf(database), undisturbed);
      await assertSound(database);
    }));

  test('Redis is flushed, killed, falls silent and is stopped: every sync ends as ever, and hints come back', () =>
    withServices({}, async ({ start, database, url }) => {
      const services = [await start(), await start()] as const;
      const [one, other] = services;
      const pids = await pidsOf(one, other);

      async function syncThrough(customer: string, fault: () => unknown): Promise<void> {
        const held = await hold(url, 'rate');
        const { task } = await startSync(one, customer);
        await held.reached();
        await fault();
        await held.release();
        await syncEnds(other, task, 10_000);
      }

      await syncThrough('C001', () => redis.call('FLUSHALL'));
      await hintsAre('ok', one, other);
      await syncThrough('C002', () => redis.kill());
      await hintsAre('degraded', one, other);
      await redis.start();
      await hintsAre('ok', one, other);
      await syncThrough('C003', () => process.kill(redis.pid, 'SIGSTOP'));
      await hintsAre('degraded', one, other);
      process.kill(redis.pid, 'SIGCONT');
      await hintsAre('ok', one, other);
      process.kill(redis.pid, 'SIGTERM');
      await hintsAre('degraded', one, other);
      await syncThrough('C004', () => {});
      await redis.start();
      await hintsAre('ok', one, other);

      assert.deepEqual(await pidsOf(one, other), pids);
      assert.deepEqual(await troubles(database), []);
      assert.deepEqual(await digestsOf(database), undisturbed);
      await assertSound(database);
    }));
});

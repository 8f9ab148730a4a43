/** Whole services with Redis: hints between them, Redis away, and a prefix that belongs to another one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { healthOf, stateDirectory } from '../support/recovery.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { type RunningService, startService, until, working } from '../support/service.ts';

let redis: TestRedis;
const databases: TestDatabase[] = [];
const services: RunningService[] = [];
before(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
  await Promise.all(databases.splice(0).map((database) => database.close()));
  await redis.call('FLUSHALL');
});
after(() => redis.stop());

async function service(database: TestDatabase | null = null, env: Record<string, string> = {}) {
  const own = database ?? (await testDatabase());
  if (!database) databases.push(own);
  const started = startService({
    databaseUrl: own.url,
    stateDirectory: stateDirectory(),
    env: { REDIS_URL: redis.url, ...env },
  });
  services.push(started);
  return started;
}

const signalsOf = async (running: RunningService) =>
  (await healthOf(running)).checks.find(({ name }) => name === 'signals');

test('a service says how its Redis is, goes on without it, and hears again when it is back', async () => {
  const running = await service();
  await working(running);
  assert.deepEqual(await signalsOf(running), { name: 'signals', status: 'ok', message: 'Redis is up' });
  await redis.kill();
  const away = await until('Redis to be missed', async () => {
    const check = await signalsOf(running);
    return check?.status === 'degraded' && /ECONNREFUSED/.test(check.message) ? check : null;
  });
  assert.match(away.message, /^Redis cannot be reached: .*; work is found by the sweep/);
  await redis.start();
  await working(running);
  assert.equal(running.child.exitCode, null);
});

test('a second application on the prefix is refused with 78, one process or several, and has it after the move', async () => {
  const first = await service();
  await working(first);
  const database = await testDatabase();
  databases.push(database);
  const archive = { LINEKEEPER_ARCHIVE_DIRECTORY: join(stateDirectory(), 'archive') };
  for (const processes of ['1', '2']) {
    const second = await service(database, { ...archive, LINEKEEPER_PROCESSES: processes });
    assert.deepEqual(await second.ended, { code: 78, signal: null });
    assert.match(
      second.output(),
      /linekeeper: .*78: the Redis prefix linekeeper belongs to application .* signal adopt/,
    );
  }
  await first.stop();
  const [, from] = /belongs to application (\S+) /.exec(services.at(-1)!.output())!;
  const adopt = spawn(join(import.meta.dirname, '../../bin/linekeeper'), ['signal', 'adopt', '--from', from!], {
    env: { PATH: process.env.PATH, REDIS_URL: redis.url },
    stdio: 'inherit',
  });
  assert.deepEqual(await once(adopt, 'exit'), [0, null]);
  await working(await service(database, archive));
});

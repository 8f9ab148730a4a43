import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type RedisSignals, type RedisSignalsOptions, redisSignals } from '../../src/signals/redis.ts';
import { createRoom } from '../../src/signals/room.ts';
import { until } from '../chains/harness.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { conformance } from './conformance.ts';

const application = { id: '00000000-0000-4000-8000-000000000001.1', about: 'a test' };
let redis: TestRedis;
let made: RedisSignals[] = [];
let number = 0;

before(async () => {
  redis = await startRedis();
});
after(async () => {
  for (const one of made) one.stop();
  made = [];
  await redis.stop();
});

function signalsOn(prefix: string, options: Partial<RedisSignalsOptions> = {}): RedisSignals {
  number += 1;
  const signals = redisSignals({
    url: redis.url,
    prefix,
    bootId: `boot-${number}`,
    onError: (error) => assert.fail(String(error)),
    nowMs: () => performance.now(),
    random: Math.random,
    minDelayMs: 20,
    maxDelayMs: 100,
    ...options,
  });
  made.push(signals);
  signals.start(application);
  return signals;
}

const isUp = (signals: RedisSignals) =>
  until(
    async () => signals.state().kind,
    (kind) => kind === 'up',
  );

conformance(
  'redis',
  (onError) => signalsOn(`conformance-${number}`, { onError }),
  async () => {
    // sent, and back again when it wants to come
    await turn();
    await isUp(made.at(-1)!);
    await until(
      async () => made.at(-1)!.status().waiting,
      (waiting) => waiting === 0,
    );
    for (let trip = 0; trip < 5; trip += 1) await redis.call('PING');
  },
);

test('a hint of one node is heard by another that has room, long before any sweep', async () => {
  const prefix = 'two-nodes';
  const [first, second] = [signalsOn(prefix), signalsOn(prefix)];
  await Promise.all([isUp(first), isUp(second)]);
  first.subscribe(() => {}, createRoom());
  const room = createRoom();
  const heard: string[] = [];
  second.subscribe((chainIds) => heard.push(...chainIds), room);
  room.set(64);
  first.publish('41', '42');
  await until(
    async () => heard,
    (seen) => seen.length === 2,
  );
  assert.deepEqual(heard, ['41', '42']);
});

test('a node takes as many hints as it has room for and leaves the rest to the others', async () => {
  const prefix = 'spread';
  const nodes = [signalsOn(prefix), signalsOn(prefix), signalsOn(prefix)];
  await Promise.all(nodes.map(isUp));
  const publisher = signalsOn(prefix);
  const ids = Array.from({ length: 20 }, (_, index) => String(index + 1));
  const heard = nodes.map((node, index) => {
    const room = createRoom();
    const list: string[] = [];
    const free = [10, 6, 4][index]!;
    node.subscribe((chainIds) => {
      list.push(...chainIds);
      setImmediate(() => room.set(free - list.length));
    }, room);
    room.set(free);
    return list;
  });
  publisher.publish(...ids);
  await until(
    async () => heard.flat(),
    (seen) => seen.length === 20,
  );
  assert.deepEqual(
    heard.map((list) => list.length),
    [10, 6, 4],
  );
  assert.deepEqual(
    heard.flat().sort((a, b) => Number(a) - Number(b)),
    ids,
  );
});

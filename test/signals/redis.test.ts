import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { RedisSignals } from '../../src/signals/redis.ts';
import { createRoom } from '../../src/signals/room.ts';
import { until } from '../chains/harness.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { conformance } from './conformance.ts';
import { application, nodeAt, signalsAt, stateOf, stopAll } from './redis-harness.ts';

let redis: TestRedis;
before(async () => {
  redis = await startRedis();
});
afterEach(stopAll);
after(() => redis.stop());

let last: RedisSignals;
let prefixes = 0;

conformance(
  'redis',
  (onError) => {
    prefixes += 1;
    last = signalsAt(redis.url, `conformance-${prefixes}`, { onError });
    last.start(application);
    return last;
  },
  async () => {
    // sent, and back again when it wants to come
    await turn();
    await stateOf(last, 'up');
    await until(
      async () => last.status().waiting,
      (waiting) => waiting === 0,
    );
    for (let trip = 0; trip < 5; trip += 1) await redis.call('PING');
  },
);

test('a hint of one node is heard by another that has room, long before any sweep', async () => {
  const first = nodeAt(redis.url, 'two', { free: 0 });
  const second = nodeAt(redis.url, 'two');
  await Promise.all([first, second].map(({ signals }) => stateOf(signals, 'up')));
  first.signals.publish('41', '42');
  await until(
    async () => second.heard,
    (heard) => heard.length > 0,
  );
  assert.deepEqual(
    [first.heard, second.heard],
    [
      ['41', '42'],
      ['41', '42'],
    ],
  );
});

test('a node that filled up while it waited for a hint hands it on', async () => {
  const first = nodeAt(redis.url, 'filled', { free: 0 });
  first.room.set(4);
  await stateOf(first.signals, 'up');
  // it has read before the other one does, so the hint comes to it
  await until(
    async () => String(await redis.call('CLIENT', 'LIST')),
    (clients) => /cmd=xreadgroup/.test(clients),
  );
  const second = nodeAt(redis.url, 'filled');
  await stateOf(second.signals, 'up');
  first.room.set(0);
  const publisher = signalsAt(redis.url, 'filled');
  publisher.start(application);
  publisher.publish('51');
  await until(
    async () => second.heard,
    (heard) => heard.includes('51'),
  );
  assert.deepEqual(first.heard, []);
});

test('a node that looked after its own hint does not wait for another look before it hears the next one', async () => {
  const node = nodeAt(redis.url, 'own');
  await stateOf(node.signals, 'up');
  node.signals.publish('61');
  // back from Redis, when its engine has looked long since
  await until(
    async () => String(await redis.call('XINFO', 'GROUPS', '{own}:signals')),
    (groups) => /pending,0,.*entries-read,1/.test(groups),
  );
  const publisher = signalsAt(redis.url, 'own');
  publisher.start(application);
  publisher.publish('62');
  await until(
    async () => node.heard,
    (heard) => heard.includes('62'),
  );
  assert.deepEqual(node.heard, ['61', '62']);
});

test('a node takes as many hints as it has room for and leaves the rest to the others', async () => {
  const rooms = [10, 6, 4];
  const nodes = rooms.map((free) => {
    const signals = signalsAt(redis.url, 'spread');
    const room = createRoom();
    const heard: string[] = [];
    signals.subscribe((chainIds) => {
      heard.push(...chainIds);
      setImmediate(() => room.set(free - heard.length));
    }, room);
    room.set(free);
    signals.start(application);
    return { signals, heard };
  });
  await Promise.all(nodes.map(({ signals }) => stateOf(signals, 'up')));
  const publisher = signalsAt(redis.url, 'spread');
  publisher.start(application);
  const ids = Array.from({ length: 20 }, (_, index) => String(index + 1));
  publisher.publish(...ids);
  const all = await until(
    async () => nodes.flatMap(({ heard }) => heard),
    (heard) => heard.length === 20,
  );
  assert.deepEqual(
    nodes.map(({ heard }) => heard.length),
    rooms,
  );
  assert.deepEqual(
    all.sort((a, b) => Number(a) - Number(b)),
    ids,
  );
});

test('a thousand hints of one turn go in entries of 64, and the stream keeps only so many entries', async () => {
  const publisher = signalsAt(redis.url, 'entries');
  publisher.start(application);
  const stream = '{entries}:signals';
  publisher.publish(...Array.from({ length: 1_000 }, (_, index) => String(index + 1)));
  const length = () => redis.call('XLEN', stream).then(Number);
  await until(length, (count) => count >= 16);
  assert.equal(await length(), 16);
  for (let round = 0; round < 40; round += 1) {
    publisher.publish(...Array.from({ length: 4_000 }, (_, index) => String(index + 1)));
    await until(
      async () => publisher.status().waiting,
      (waiting) => waiting === 0,
    );
  }
  assert.ok((await length()) < 1_300, String(await length()));
});

test('an entry that others wrote and that means nothing is passed over', async () => {
  const node = nodeAt(redis.url, 'strange');
  await stateOf(node.signals, 'up');
  await redis.call('XADD', '{strange}:signals', '*', 'what', 'ever');
  await redis.call('XADD', '{strange}:signals', '*', 'ids', "1,x,'2',9");
  await until(
    async () => node.heard,
    (heard) => heard.length === 2,
  );
  assert.deepEqual(node.heard, ['1', '9']);
});

test('hints that lay unread for long are passed over: whoever has room again has looked by himself', async () => {
  // 1 s after the beginning of 1970, by Redis's clock
  await redis.call('XADD', '{stale}:signals', '1000-1', 'by', 'somebody', 'ids', '71');
  const node = nodeAt(redis.url, 'stale');
  await stateOf(node.signals, 'up');
  await redis.call('XADD', '{stale}:signals', '*', 'by', 'somebody', 'ids', '72');
  await until(
    async () => node.heard,
    (heard) => heard.includes('72'),
  );
  assert.deepEqual(node.heard, ['72']);
});

test('the consumers of processes that are gone are deleted with what they held', async () => {
  const stream = '{gone}:signals';
  await redis.call('XGROUP', 'CREATE', stream, 'nodes', '0', 'MKSTREAM');
  await redis.call('XADD', stream, '*', 'by', 'somebody', 'ids', '81');
  await redis.call('XREADGROUP', 'GROUP', 'nodes', 'dead', 'COUNT', 1, 'STREAMS', stream, '>');
  const consumers = async () => String(await redis.call('XINFO', 'CONSUMERS', stream, 'nodes'));
  await until(consumers, (text) => /name,dead,pending,1,idle,\d{3}/.test(text));
  const node = nodeAt(redis.url, 'gone', { timing: { forgetMs: 100 } });
  await stateOf(node.signals, 'up');
  await until(consumers, (text) => !text.includes('dead'));
  assert.equal(((await redis.call('XPENDING', stream, 'nodes')) as [number])[0], 0);
});

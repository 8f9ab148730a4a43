/** What happens to Redis is latency for signals: never an exception in the publisher, and heard again by themselves. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { until } from '../chains/harness.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/silencing-proxy.ts';
import { application, hears, nodeAt, signalsAt, stateOf, stopAll } from './redis-harness.ts';

let redis: TestRedis;
before(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  await stopAll();
  // what a test has set ends with it, also when it failed
  await redis.call('CONFIG', 'SET', 'maxmemory', 0);
  await redis.call('REPLICAOF', 'NO', 'ONE');
});
after(() => redis.stop());

/** A publisher that never listens, and a node that does. */
async function pair(prefix: string, url = redis.url) {
  const from = signalsAt(url, prefix);
  from.start(application);
  const to = nodeAt(url, prefix);
  await Promise.all([stateOf(from, 'up'), stateOf(to.signals, 'up')]);
  await hears(from, to);
  return { from, to };
}

/** Every change of state from now on. */
function changesOf(signals: { onState(listener: (state: { kind: string }) => void): () => void }): string[] {
  const kinds: string[] = [];
  signals.onState(({ kind }) => kinds.push(kind));
  return kinds;
}

test('FLUSHALL while nodes wait for hints: they go on hearing within the same session', async () => {
  const { from, to } = await pair('flush');
  const changes = changesOf(to.signals);
  await redis.call('FLUSHALL');
  await hears(from, to);
  assert.deepEqual(changes, []);
  await until(
    async () => redis.call('GET', '{flush}:owner'),
    (owner) => owner !== null,
  );
});

test('kill -9 and a restart: publishing goes on, and hints come again by themselves', async () => {
  const { from, to } = await pair('killed');
  await redis.kill();
  from.publish('1');
  await Promise.all([stateOf(from, 'down'), stateOf(to.signals, 'down')]);
  const { error } = (await stateOf(from, 'down')) as { error: Error };
  assert.match(error.message, /cannot be reached/);
  from.publish('2', '3');
  await redis.start();
  await Promise.all([stateOf(from, 'up'), stateOf(to.signals, 'up')]);
  await hears(from, to);
});

test('while Redis is away only so much waits to be sent, and what is dropped is counted', async () => {
  const signals = signalsAt('redis://127.0.0.1:1', 'away', { mostWaiting: 100 });
  signals.start({ id: 'any.1', about: 'a test' });
  await stateOf(signals, 'down');
  for (let chainId = 0; chainId < 1_000; chainId += 1) signals.publish(String(chainId));
  const { waiting, dropped } = signals.status();
  assert.ok(waiting <= 100, String(waiting));
  assert.equal(waiting + dropped, 1_000);
});

test('a half-open connection is noticed by its silence, and another one is opened', async () => {
  const proxy = await startTcpProxy(() => connect(redis.port, '127.0.0.1'));
  try {
    const { from, to } = await pair('half-open', `redis://127.0.0.1:${proxy.port}`);
    proxy.fallSilent();
    from.publish('1');
    await Promise.all([stateOf(from, 'down'), stateOf(to.signals, 'down')]);
    proxy.speak();
    await Promise.all([stateOf(from, 'up'), stateOf(to.signals, 'up')]);
    await hears(from, to);
  } finally {
    stopAll();
    await proxy.close();
  }
});

test('a read that falls silent alone is noticed too: the other connection proves nothing for it', async () => {
  const proxy = await startTcpProxy(() => connect(redis.port, '127.0.0.1'));
  try {
    const to = nodeAt(`redis://127.0.0.1:${proxy.port}`, 'deaf');
    const from = signalsAt(redis.url, 'deaf');
    from.start(application);
    await Promise.all([stateOf(from, 'up'), stateOf(to.signals, 'up')]);
    await hears(from, to);
    const changes = changesOf(to.signals);
    proxy.mute(1);
    await until(
      async () => changes,
      (kinds) => kinds.includes('up'),
    );
    assert.deepEqual(changes, ['probing', 'up']);
    await hears(from, to);
  } finally {
    stopAll();
    await proxy.close();
  }
});

test('a process that was busy for longer than an answer may take finds the answers and does not connect again', async () => {
  const { from, to } = await pair('busy');
  const changes = [changesOf(from), changesOf(to.signals)];
  from.publish('1');
  await turn();
  // longer than a read may take
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 900);
  await hears(from, to);
  assert.deepEqual(changes, [[], []]);
});

test('an entry that was trimmed while it was pending is acknowledged, and hints go on', async () => {
  const prefix = 'trimmed';
  const stream = '{trimmed}:signals';
  const { from, to } = await pair(prefix);
  // its engine takes the next hint and never looks
  to.room.set = () => {};
  from.publish('77');
  await until(
    async () => to.heard,
    (heard) => heard.includes('77'),
  );
  const pending = async () => ((await redis.call('XPENDING', stream, 'nodes')) as [number])[0];
  assert.equal(await pending(), 1);
  await redis.call('XTRIM', stream, 'MAXLEN', 0);
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await until(pending, (count) => count === 0);
});

test('two processes with one consumer name: each still hears', async () => {
  const first = nodeAt(redis.url, 'same', { bootId: 'twice' });
  const second = nodeAt(redis.url, 'same', { bootId: 'twice' });
  const from = signalsAt(redis.url, 'same');
  from.start(application);
  await Promise.all([first, second].map(({ signals }) => stateOf(signals, 'up')));
  await Promise.all([hears(from, first), hears(from, second)]);
});

test('stream and owner are evicted: both are made again', async () => {
  const { from, to } = await pair('evicted');
  await redis.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random');
  await redis.call('CONFIG', 'SET', 'maxmemory', 1);
  await until(
    async () => redis.call('EXISTS', '{evicted}:signals', '{evicted}:owner'),
    (count) => count === 0,
  );
  // made and evicted again each time, or refused for want of memory: no reason to try as fast as the network is
  await stateOf(to.signals, 'probing', 'down');
  await redis.call('CONFIG', 'SET', 'maxmemory', 0);
  await stateOf(to.signals, 'up');
  await hears(from, to);
});

test('a full Redis that evicts nothing is down, and says why', async () => {
  const { from, to } = await pair('full');
  await redis.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  await redis.call('CONFIG', 'SET', 'maxmemory', 1);
  from.publish('1');
  const { error } = (await stateOf(from, 'down')) as { error: Error };
  assert.match(error.message, /OOM command not allowed/);
  await redis.call('CONFIG', 'SET', 'maxmemory', 0);
  await Promise.all([stateOf(from, 'up'), stateOf(to.signals, 'up')]);
  await hears(from, to);
});

test('a failover: a replica that takes no writes is down, and up when it has become the primary', async () => {
  const { from, to } = await pair('failover');
  await redis.call('REPLICAOF', '127.0.0.1', 1);
  await stateOf(from, 'down');
  await redis.call('REPLICAOF', 'NO', 'ONE');
  await Promise.all([stateOf(from, 'up'), stateOf(to.signals, 'up')]);
  await hears(from, to);
});

test('a password that is refused is down, says so, and is not in the error', async () => {
  await redis.call('CONFIG', 'SET', 'requirepass', 'right');
  const signals = signalsAt(redis.url.replace('//', '//:wrong-secret@'), 'password');
  signals.start(application);
  const { error } = (await stateOf(signals, 'down')) as { error: Error };
  await redis.call('CONFIG', 'SET', 'requirepass', '');
  assert.match(error.message, /WRONGPASS/);
  assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /wrong-secret/);
});

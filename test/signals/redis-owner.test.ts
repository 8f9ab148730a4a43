import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { PrefixOwnedError, releasePrefix } from '../../src/signals/prefix-owner.ts';
import { openRedis } from '../../src/signals/redis-client.ts';
import { until } from '../chains/harness.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { application, hears, nodeAt, signalsAt, stateOf, stopAll } from './redis-harness.ts';

const stranger = { id: '00000000-0000-4000-8000-000000000002.7', about: 'linekeeper at elsewhere' };

let redis: TestRedis;
before(async () => {
  redis = await startRedis();
});
afterEach(stopAll);
after(() => redis.stop());

async function release(prefix: string, from: string) {
  const client = await openRedis({ url: redis.url }, 'test', 1_000);
  try {
    return await releasePrefix(client, prefix, from, 1_000);
  } finally {
    client.destroy();
  }
}

test('a prefix of another application is refused, with its owner and the way out', async () => {
  const owner = nodeAt(redis.url, 'taken', { application: stranger });
  await stateOf(owner.signals, 'up');
  const other = nodeAt(redis.url, 'taken');
  const { error } = (await stateOf(other.signals, 'down')) as { error: Error };
  assert.ok(error instanceof PrefixOwnedError);
  assert.equal(error.owner, stranger.id);
  assert.match(error.message, /prefix taken belongs to application 0{8}-.*2\.7 \(linekeeper at elsewhere, since 20/);
  assert.match(error.message, /this one is 0{8}-.*1\.1 \(a test\)/);
  assert.match(error.message, /set redis\.prefix .* linekeeper signal adopt --from 00000000-.*2\.7$/);
  // and nothing of one is heard by the other
  other.signals.publish('1');
  await hears(signalsAtOwner('taken'), owner);
  assert.deepEqual(owner.heard.includes('1'), false);
});

function signalsAtOwner(prefix: string) {
  const signals = signalsAt(redis.url, prefix);
  signals.start(stranger);
  return signals;
}

test('once the owner is let go of, whoever waits for the prefix has it, without a restart', async () => {
  const owner = nodeAt(redis.url, 'moved', { application: stranger });
  await stateOf(owner.signals, 'up');
  owner.signals.stop();
  const successor = nodeAt(redis.url, 'moved');
  await stateOf(successor.signals, 'down');
  assert.deepEqual(await release('moved', 'somebody.else').then(({ released }) => released), false);
  assert.equal(successor.signals.state().kind, 'down');
  const { released, found } = await release('moved', stranger.id);
  assert.ok(released);
  assert.equal(found?.id, stranger.id);
  await stateOf(successor.signals, 'up');
});

test('an owner that lives takes a prefix back that it was made to let go of', async () => {
  const owner = nodeAt(redis.url, 'alive', { application: stranger });
  await stateOf(owner.signals, 'up');
  await release('alive', stranger.id);
  const text = await until(
    async () => redis.call('GET', '{alive}:owner'),
    (value) => value !== null,
  );
  assert.match(String(text), /0002\.7/);
  assert.equal(owner.signals.state().kind, 'up');
});

test('a node whose prefix another one took, after a flush, is down within a heartbeat', async () => {
  const first = nodeAt(redis.url, 'flushed');
  await stateOf(first.signals, 'up');
  await redis.call('SET', '{flushed}:owner', '"not\u0007 ours"');
  const { error } = (await stateOf(first.signals, 'down')) as { error: Error };
  assert.match(error.message, /belongs to application "not {2}ours", and this one is/);
});

test('a prefix that nobody owns is let go of without harm', async () => {
  assert.deepEqual(await release('nobody', application.id), { found: null, released: false });
});

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { application, nodeAt, stateOf, stopAll } from '../signals/redis-harness.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { openTerminal, type Terminal } from './terminal.ts';

let redis: TestRedis;
let terminal: Terminal;
before(async () => {
  redis = await startRedis();
});
beforeEach(async () => {
  terminal = await openTerminal();
});
afterEach(async () => {
  stopAll();
  await terminal.close();
});
after(() => redis.stop());

const adopt = (prefix: string, from: string, ...more: string[]) =>
  terminal.run(['signal', 'adopt', '--from', from, ...more], {
    env: { REDIS_URL: redis.url, LINEKEEPER_REDIS_PREFIX: prefix },
  });

async function ownedBefore(prefix: string): Promise<void> {
  const { signals } = nodeAt(redis.url, prefix);
  await stateOf(signals, 'up');
  signals.stop();
}

test('signal adopt lets the owner go that is named, and says so', async () => {
  await ownedBefore('moved');
  const { code, out } = await adopt('moved', application.id);
  assert.equal(code, 0);
  assert.equal(out, `the Redis prefix moved was let go of by ${application.id}; the next node that starts has it\n`);
  assert.equal(await redis.call('GET', '{moved}:owner'), null);
  const again = await adopt('moved', application.id, '--json');
  assert.deepEqual(JSON.parse(again.out), { prefix: 'moved', released: false, owner: null });
});

test('signal adopt does nothing to an owner that was not named', async () => {
  await ownedBefore('other');
  const { code, err } = await adopt('other', 'somebody.1');
  assert.equal(code, 1);
  assert.match(err, /prefix other belongs to application 0{8}-.*\.1 \(a test, since 20.*\), not to somebody\.1/);
  assert.notEqual(await redis.call('GET', '{other}:owner'), null);
});

test('signal adopt says when the owner is still running and takes the prefix back', async () => {
  const { signals } = nodeAt(redis.url, 'alive', { timing: { heartbeatMs: 20 } });
  await stateOf(signals, 'up');
  terminal.onSleep = () => new Promise((resolve) => setTimeout(resolve, 100));
  const { code, err } = await adopt('alive', application.id);
  assert.equal(code, 1);
  assert.match(err, /has taken the Redis prefix alive back; it is still running: stop it first/);
});

test('signal adopt without a Redis, without an owner, and with one that does not answer', async () => {
  assert.deepEqual(
    [await terminal.run(['signal', 'adopt', '--from', 'a.1'])].map(({ code, err }) => [code, err]),
    [[78, 'linekeeper: redis.url is not set: there is no prefix to adopt\n']],
  );
  assert.equal((await terminal.run(['signal', 'adopt'])).code, 2);
  const env = { REDIS_URL: 'redis://127.0.0.1:1' };
  const { code, err } = await terminal.run(['signal', 'adopt', '--from', 'a.1'], { env });
  assert.equal(code, 69);
  assert.match(err, /Redis cannot be reached/);
});

/** The lines of docs/signals.md for a user of Redis's ACL: they are enough, and none of their rights is too much. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { releasePrefix } from '../../src/signals/prefix-owner.ts';
import { openRedis } from '../../src/signals/redis-client.ts';
import { until } from '../chains/harness.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { application, hears, nodeAt, signalsAt, stateOf, stopAll } from './redis-harness.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/signals.md'), 'utf8');
const [nodeRights, adoptRights] = [...page.matchAll(/^ACL SETUSER linekeeper (.+)$/gm)].map(([, rights]) =>
  rights!.split(' ').map((right) => right.replace('SECRET', 'pass').replace('{linekeeper}', '{acl}')),
);
/** A consumer that was not seen for this long is deleted, which takes a right too. */
const forgetMs = 1;

let redis: TestRedis;
/** Of the user, and of a database that has to be selected. */
let url: string;
before(async () => {
  redis = await startRedis();
  url = `${redis.url.replace('//', '//node:pass@')}/1`;
});
afterEach(stopAll);
after(() => redis.stop());

async function allow(rights: readonly string[]): Promise<void> {
  await redis.call('ACL', 'SETUSER', 'node', 'reset', ...rights);
  await redis.call('ACL', 'LOG', 'RESET');
}

/** What was refused to the user since then, such as `xadd`. */
async function refused(): Promise<string[]> {
  const entries = (await redis.call('ACL', 'LOG')) as unknown[][];
  return entries.map((entry) => String(entry[entry.indexOf('object') + 1]));
}

function start(prefix = 'acl') {
  const timing = { answerMs: 500, blockMs: 300, heartbeatMs: 100, forgetMs };
  const to = nodeAt(url, prefix, { timing });
  const from = signalsAt(url, prefix, { timing });
  from.start(application);
  return { from, to };
}

test('with these rights nodes hear each other, also after a flush and a lost connection, and forget who is gone', async () => {
  await allow(nodeRights!);
  const first = start();
  await hears(first.from, first.to);
  await redis.call('FLUSHALL');
  await hears(first.from, first.to);
  await redis.call('CLIENT', 'KILL', 'USER', 'node');
  await hears(first.from, first.to);
  stopAll();
  const second = start();
  await hears(second.from, second.to);
  assert.deepEqual(await refused(), []);
});

test('a node that lacks one of them is refused something', async () => {
  const commands = nodeRights!.filter((right) => right.startsWith('+'));
  assert.ok(commands.length > 9, commands.join(' '));
  await redis.call('SELECT', 1);
  for (const [number, right] of commands.entries()) {
    // its own: what the one before left under way may still arrive
    const prefix = `acl-${number}`;
    const stream = `{${prefix}}:signals`;
    // somebody who is gone, to be forgotten
    await redis.call('XGROUP', 'CREATE', stream, 'nodes', '0', 'MKSTREAM');
    await redis.call('XGROUP', 'CREATECONSUMER', stream, 'nodes', 'gone');
    await allow([...nodeRights!.filter((other) => other !== right), `~{${prefix}}:*`]);
    const { from } = start(prefix);
    const publishing = setInterval(() => from.publish('1'), 20);
    try {
      await until(refused, (objects) => objects.includes(right.slice(1)), 5_000);
    } finally {
      clearInterval(publishing);
      stopAll();
    }
  }
});

test('the keys of another prefix are refused, and the state says so', async () => {
  await allow(nodeRights!);
  const other = signalsAt(url, 'other');
  other.start(application);
  const { error } = (await stateOf(other, 'down')) as { error: Error };
  assert.match(error.message, /NOPERM/);
});

test('signal adopt needs the second line too, and no more', async () => {
  await allow(nodeRights!);
  const { from } = start();
  await stateOf(from, 'up');
  stopAll();
  await assert.rejects(adopt(), /NOPERM/);
  await allow([...nodeRights!, ...adoptRights!]);
  assert.equal((await adopt()).released, true);
  assert.deepEqual(await refused(), []);
});

async function adopt() {
  const client = await openRedis({ url }, 'adopt', 1_000);
  try {
    return await releasePrefix(client, 'acl', application.id, 1_000);
  } finally {
    client.destroy();
  }
}

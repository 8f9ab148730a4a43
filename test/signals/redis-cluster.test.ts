import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { until } from '../chains/harness.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { hears, nodeAt, stateOf, stopAll } from './redis-harness.ts';

let servers: TestRedis[];
before(async () => {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'];
  servers = await Promise.all([startRedis(...settings), startRedis(...settings)]);
  const [first, second] = servers as [TestRedis, TestRedis];
  await first.call('CLUSTER', 'ADDSLOTSRANGE', 0, 8191);
  await second.call('CLUSTER', 'ADDSLOTSRANGE', 8192, 16383);
  await first.call('CLUSTER', 'MEET', '127.0.0.1', second.port);
  for (const server of servers) {
    await until(
      async () => String(await server.call('CLUSTER', 'INFO')),
      (info) => /cluster_state:ok/.test(info) && /cluster_known_nodes:2/.test(info),
      20_000,
    );
  }
});
afterEach(stopAll);
after(() => Promise.all(servers.map((server) => server.stop())));

test('on Redis Cluster every prefix works through any of its nodes, wherever its keys live', async () => {
  const [first, second] = servers as [TestRedis, TestRedis];
  const homes = new Set<number>();
  for (const prefix of ['a', 'b', 'c', 'd', 'e']) {
    const from = nodeAt(first.url, prefix, { free: 0 });
    const to = nodeAt(second.url, prefix);
    await Promise.all([from, to].map(({ signals }) => stateOf(signals, 'up')));
    await hears(from, to);
    homes.add(Number(await first.call('CLUSTER', 'KEYSLOT', `{${prefix}}:signals`)) < 8192 ? 0 : 1);
  }
  assert.equal(homes.size, 2);
});

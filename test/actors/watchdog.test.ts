import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchdog } from '../../actors/watchdog.ts';
import type { EngineStatus } from '../../src/chains/engine.ts';
import type { AvailabilityState } from '../../src/database/availability.ts';
import type { ServiceManager } from '../../src/release/notify.ts';
import { startTree, supervisor } from '../../supervisors/tree.ts';
import { until } from '../chains/harness.ts';

/** A watchdog that looks every 5 ms, on a clock that the test sets. */
async function watched(database: AvailabilityState) {
  const said: string[] = [];
  const warned: string[] = [];
  const told: string[] = [];
  const node = {
    nowMs: 0,
    provenMsAgo: 100 as number | null,
    database,
    deafness: 0,
    fed: 0,
    refused: null as EngineStatus['refused'],
  };
  const manager: ServiceManager = {
    watchdogMs: 20,
    adminSocket: null,
    ready(status) {
      node.deafness -= 1;
      if (node.deafness >= 0) return false;
      said.push(`ready: ${status}`);
      return true;
    },
    status: (text) => void (said.at(-1) !== text && said.push(text)),
    feed() {
      node.fed += 1;
    },
    stopping() {},
  };
  const started = Promise.withResolvers<void>();
  const spec = watchdog({
    manager,
    started: started.promise,
    availability: { state: () => node.database, lastProbeMs: () => node.nowMs },
    isPrepared: () => true,
    engine: () => ({
      bootId: 'a',
      lanes: 4,
      busy: 1,
      claimedMsAgo: 1,
      beatMsAgo: 1,
      carried: 0,
      provenMsAgo: node.provenMsAgo,
      refused: node.refused,
    }),
    countOpen: async () => 7,
    alerts: {
      raise: ({ rule, message }) => void told.push(`open ${rule}: ${message}`),
      resolve: (rule) => void told.push(`resolved ${rule}`),
    },
    log: { warn: (fields) => void warned.push(String(fields.status)) },
    nowMs: () => node.nowMs,
    wallClock: () => new Date('2026-04-01T10:00:00Z'),
  });
  const root = await startTree(supervisor({ id: 'root', children: [spec] }), { report() {} });
  const looks = async (count: number) => {
    const before = node.fed;
    await until(
      async () => node.fed,
      (fed) => fed >= before + count,
    );
  };
  return { node, said, told, warned, started, looks, root };
}

const up: AvailabilityState = { kind: 'up', sinceMs: 0 };

test('says READY when the tree stands and not before, again until it is heard, and feeds', async () => {
  const { node, said, started, looks, root } = await watched(up);
  node.deafness = 2;
  await looks(3);
  assert.equal(said.length, 0);
  started.resolve();
  await until(
    async () => said,
    (all) => all.length > 0,
  );
  assert.match(said[0]!, /^ready: working: 1 of 4 lanes busy/);
  assert.ok(node.deafness < 0, 'the two times that it was not heard were repeated');
  await root.stop();
});

test('starves the watchdog once no row gets through, says so once, and feeds again when one does', async () => {
  const { node, said, warned, started, looks, root } = await watched(up);
  started.resolve();
  await looks(1);
  node.provenMsAgo = 60_000;
  node.nowMs = 60_000;
  await until(
    async () => said.at(-1),
    (last) => last === "failing: no row of this node's own got through, last 60 s ago",
  );
  const { fed } = node;
  node.provenMsAgo = 61_000;
  await until(
    async () => said.at(-1),
    (last) => /last 61 s ago/.test(last!),
  );
  assert.equal(node.fed, fed);
  assert.equal(warned.length, 1);
  node.provenMsAgo = 5;
  await looks(2);
  assert.match(said.at(-1)!, /^working/);
  await root.stop();
});

test('is READY without a database, says since when, and a proof is owed only some time after it is back', async () => {
  const away = { kind: 'down', sinceMs: 0, failures: 1, error: new Error('refused') } as const;
  const { node, said, started, looks, root } = await watched(away);
  node.provenMsAgo = null;
  node.nowMs = 600_000;
  started.resolve();
  await looks(2);
  assert.equal(
    said.at(-1)!.replace('ready: ', ''),
    'degraded: database unreachable since 2026-04-01T09:50:00Z: refused',
  );
  node.database = up;
  await looks(2);
  node.nowMs += 11_000;
  await looks(2);
  node.nowMs += 2_000;
  await until(
    async () => said.at(-1),
    (last) => /^failing: .*last never/.test(last!),
  );
  await root.stop();
});

test('a database that takes no writes is alerted once and waited out, as long as the engine keeps asking it', async () => {
  const { node, said, told, started, looks, root } = await watched(up);
  started.resolve();
  await looks(1);
  node.nowMs = 600_000;
  node.provenMsAgo = 600_000;
  node.refused = { msAgo: 500, why: 'could not extend file (53100)' };
  await looks(3);
  assert.equal(said.at(-1), 'degraded: the database takes no writes: could not extend file (53100)');
  assert.deepEqual(told.slice(1).length, 1);
  assert.match(told.at(-1)!, /^open database\.refuses-writes: .*could not extend file/);
  node.refused = { msAgo: 60_000, why: 'could not extend file (53100)' };
  await until(
    async () => said.at(-1),
    (last) => /^failing: /.test(last!),
  );
  node.refused = null;
  node.provenMsAgo = 5;
  await looks(2);
  assert.equal(told.at(-1), 'resolved database.refuses-writes');
  await root.stop();
});

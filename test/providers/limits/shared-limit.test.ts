/** Two services, each with connections of its own, and one bucket: what they may ask of a provider together. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../../src/database/pool.ts';
import type { Database } from '../../../src/database/session.ts';
import { type Granted, sharedLimit } from '../../../src/providers/limits/shared-limit.ts';
import { type TestDatabase, testDatabase } from '../../support/database.ts';

let server: TestDatabase;
let nodes: readonly Database[];
before(async () => {
  server = await testDatabase();
  nodes = ['one', 'two'].map((applicationName) => openDatabase(server.url, { applicationName, max: 4 }));
});
after(async () => {
  for (const node of nodes) await node.close();
  await server.close();
});

const limitsOf = (syncType: string, limits: { requestsPerSecond?: number; burst: number }) =>
  nodes.map((database) => sharedLimit({ database, syncType, limits }));
const granted = (answers: readonly Granted[]) =>
  answers.reduce((sum, answer) => sum + (answer.kind === 'granted' ? answer.requests : 0), 0);
/** So seldom that nothing comes back while a test runs. */
const seldom = { requestsPerSecond: 0.001, burst: 10 };

test('however two services draw, at once or in turn, they get no more together than the burst', async () => {
  const services = limitsOf('AT_ONCE', seldom);
  const atOnce = await Promise.all(Array.from({ length: 30 }, (_, index) => services[index % 2]!.take()));
  assert.equal(granted(atOnce), 10);
  const inTurn = limitsOf('IN_TURN', seldom);
  const answers: Granted[] = [];
  for (let index = 0; index < 12; index += 1) answers.push(await inTurn[index % 2]!.take());
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    [...Array(10).fill('granted'), 'later', 'later'],
  );
  const last = answers.at(-1)!;
  assert.ok(last.kind === 'later' && last.afterMs > 990_000 && last.afterMs <= 1_000_000, JSON.stringify(last));
  assert.match(last.reason, /^IN_TURN may be asked 0\.001 times a second$/);
});

test('what time brings back is one request for each interval, whoever asks, and never more than the burst', async () => {
  const [one, other] = limitsOf('IN_TIME', seldom);
  await one!.take();
  const later = (seconds: number) =>
    nodes[0]!.query(
      `update provider_limit set spaced_to = clock_timestamp() - make_interval(secs => $1::float8)
      where sync_type = 'IN_TIME'`,
      [seconds],
    );
  const draw = async () =>
    granted(await Promise.all([...Array(20)].map((_, index) => [one!, other!][index % 2]!.take())));
  await later(1_000_000);
  assert.equal(await draw(), 10);
  await later(-7_000);
  assert.equal(await draw(), 3);
});

test('a service takes a quarter of a second in one statement, and the other finds what it left', async () => {
  const [one, other] = limitsOf('SLICES', { requestsPerSecond: 8, burst: 5 });
  assert.deepEqual(await one!.take(), { kind: 'granted', requests: 2 });
  assert.deepEqual(await other!.take(), { kind: 'granted', requests: 2 });
  const third = await one!.take();
  assert.ok(third.kind === 'granted' && third.requests <= 2, JSON.stringify(third));
});

test('a provider that asked one service for patience is asked by none; a shorter patience does not end a longer one', async () => {
  for (const [syncType, limits] of [
    ['CLOSED', seldom],
    ['CLOSED_UNLIMITED', { burst: 10 }],
  ] as const) {
    const [one, other] = limitsOf(syncType, limits);
    assert.equal((await other!.take()).kind, 'granted');
    await one!.close(60_000, 'it said 429');
    await other!.close(5_000, 'it said 429 again');
    for (const service of [one!, other!]) {
      const answer = await service.take();
      assert.ok(answer.kind === 'later' && answer.afterMs > 55_000 && answer.afterMs <= 60_000, JSON.stringify(answer));
      assert.equal(answer.reason, 'it said 429');
    }
    await nodes[0]!.query(`update provider_limit set closed_until = clock_timestamp() where sync_type = $1`, [
      syncType,
    ]);
    assert.equal((await other!.take()).kind, 'granted');
  }
});

test('a row that was removed is made again, and a database that is away means later', async () => {
  const [one] = limitsOf('REMOVED', seldom);
  await one!.take();
  await nodes[1]!.query(`delete from provider_limit where sync_type = 'REMOVED'`);
  assert.match(JSON.stringify(await one!.take()), /it is made again/);
  assert.equal((await one!.take()).kind, 'granted');
  const away = openDatabase(server.url, { applicationName: 'away', max: 1 });
  await away.close();
  const answer = await sharedLimit({ database: away, syncType: 'REMOVED', limits: seldom }).take();
  assert.match(JSON.stringify(answer), /"later".*the limit of REMOVED cannot be read/);
});

/**
 * The service as it is started, on a primary and its standby: it survives that the primary dies, tells it once, does not go
 * back to the old primary, and does not take another database for its own.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { readBoots } from '../../src/process/boot-record.ts';
import { openReceiver, type Receiver } from '../alerts/receiver.ts';
import { startTestServer } from '../support/database.ts';
import { actorOf, assertSound, healthOf, stateDirectory, troubles } from '../support/recovery.ts';
import { type Pair, startPair } from '../support/replica.ts';
import { type RunningService, startService, until, working } from '../support/service.ts';

const backWithinMs = 15_000;

interface World {
  readonly pair: Pair;
  readonly state: string;
  readonly receiver: Receiver;
  start(hosts: readonly string[], env?: Record<string, string>): RunningService;
}

async function withPair(run: (world: World) => Promise<void>): Promise<void> {
  const [pair, receiver] = await Promise.all([startPair({ synchronous: true }), openReceiver()]);
  const state = stateDirectory();
  const services: RunningService[] = [];
  try {
    await run({
      pair,
      state,
      receiver,
      start(hosts, env) {
        const service = startService({
          // the servers trust their sockets: the password is there to be looked for
          databaseUrl: 'postgres://linekeeper:hunter2@/postgres',
          stateDirectory: state,
          env: { LINEKEEPER_DATABASE_HOSTS: hosts.join(','), LINEKEEPER_ALERTS_WEBHOOK_URL: receiver.url, ...env },
        });
        services.push(service);
        return service;
      },
    });
  } finally {
    await Promise.all(services.map((service) => service.stop()));
    await pair.close();
    await receiver.close();
  }
}

/** Makes a schedule due, and waits for its chain to have been carried to the end. */
async function works(database: Database): Promise<void> {
  const done = `select count(*)::int as n from chain where name = 'sync-manager' and state = 'succeeded'`;
  const count = async () => (await database.query<{ n: number }>(done))[0]!.n;
  const before = await count();
  await database.query(`update schedule set next_due_at = now() where name = 'sync:manager'`);
  await until('a chain to be carried', async () => (await count()) > before, backWithinMs);
}

const told = ({ receiver }: World) => receiver.got.map(({ rule, status }) => `${rule} ${status}`);
const databaseOf = async (service: RunningService) =>
  (await healthOf(service)).checks.find(({ name }) => name === 'database')!;

describe('the database fails over', { concurrency: 2 }, () => {
  test('one process goes on at the standby: no exit, one alert; an old primary that comes back is an alert and not used', () =>
    withPair(async (world) => {
      const { pair, state } = world;
      const [first, second] = [pair.primary, pair.standby].map(({ host }) => `${host}:5432`);
      const service = world.start([pair.primary.host, pair.standby.host]);
      await working(service);
      assert.equal((await databaseOf(service)).message, `up on ${first} (timeline 1); ${second} standby`);
      await pair.primary.kill();
      await pair.standby.promote();
      const direct = openDatabase(pair.standby.url, { applicationName: 'test', max: 1 });
      try {
        await works(direct);
        assert.equal((await databaseOf(service)).message, `up on ${second} (timeline 2); ${first} away`);
        const { about } = await actorOf(service, 'infrastructure/database');
        assert.partialDeepStrictEqual(about, { host: second, timeline: 2 });
        await until('the move to be told', async () => told(world).length > 0);
        await pair.primary.start();
        await until('the old primary to be told', async () => told(world).length > 1, backWithinMs);
        await works(direct);
        assert.deepEqual(told(world), ['database.moved open', 'database.old-primary open']);
        await pair.rebuild();
        await until(
          'its end to be told',
          async () => told(world).includes('database.old-primary resolved'),
          backWithinMs,
        );
        assert.equal(service.child.exitCode, null);
        assert.deepEqual(
          readBoots(`${state}/boots.json`, assert.fail).boots.map(({ end }) => end),
          [null],
        );
        await assertSound(direct);
        assert.deepEqual(await troubles(direct), []);
      } finally {
        await direct.close();
      }
      assert.doesNotMatch(service.output(), /hunter2/);
      await service.stop();

      // the next process knows which database it was, from the process before
      const other = await startTestServer();
      try {
        const host = decodeURIComponent(/host=([^&]*)/.exec(other.url)![1]!);
        const refused = world.start([host, host]);
        await until('the refusal', async () => refused.child.exitCode !== null);
        assert.equal(refused.child.exitCode, 78);
        assert.match(refused.output(), /this is another database cluster: /);
        assert.doesNotMatch(refused.output(), /hunter2/);
      } finally {
        await other.stop();
      }
    }));

  test('so do two node processes under a primary: one alert', () =>
    withPair(async (world) => {
      const { pair } = world;
      const service = world.start([pair.primary.host, pair.standby.host], { LINEKEEPER_PROCESSES: '2' });
      await working(service);
      await pair.primary.kill();
      await pair.standby.promote();
      const direct = openDatabase(pair.standby.url, { applicationName: 'test', max: 1 });
      try {
        await works(direct);
        const live = `select count(*)::int as n from node where state = 'live' and beat > 0`;
        const both = async () => (await direct.query<{ n: number }>(live))[0]!.n === 2;
        await until('both nodes to beat, and no other', both, backWithinMs);
        await until('the move to be told', async () => told(world).length > 0);
        assert.deepEqual(told(world), ['database.moved open']);
        assert.equal(service.child.exitCode, null);
        assert.deepEqual(await troubles(direct), []);
      } finally {
        await direct.close();
      }
    }));
});

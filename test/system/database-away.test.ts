/**
 * PostgreSQL is away for longer than the service waits for it (the times are scaled to seconds): stopped, silent, and at
 * boot. At most one exit 70, one alert told once, and work again within ten seconds of its return.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { readBoots } from '../../src/process/boot-record.ts';
import { openReceiver, type Receiver } from '../alerts/receiver.ts';
import { startTestServer, type TestDatabase, type TestServer, testDatabase } from '../support/database.ts';
import { healthOf, stateDirectory } from '../support/recovery.ts';
import { call, type RunningService, startService, until, working } from '../support/service.ts';
import { type SilencingProxy, startSilencingProxy } from '../support/silencing-proxy.ts';

const giveUpMs = 3_000;
const backWithinMs = 10_000;

interface World {
  readonly state: string;
  readonly receiver: Receiver;
  start(): RunningService;
}

async function world(databaseUrl: string): Promise<World> {
  const receiver = await openReceiver();
  const state = stateDirectory();
  const env = {
    LINEKEEPER_ALERTS_WEBHOOK_URL: receiver.url,
    LINEKEEPER_DEPENDENCY_GIVE_UP_MS: `${giveUpMs}`,
    LINEKEEPER_CRASH_LOOP_HEALTHY_AFTER_MS: '500',
  };
  return { state, receiver, start: () => startService({ databaseUrl, stateDirectory: state, env }) };
}

const told = ({ receiver }: World) => receiver.got.map(({ rule, status }) => `${rule} ${status}`);

/** Makes a schedule due, and waits for its chain to have been carried to the end. */
async function worksAgain(direct: Database, withinMs: number): Promise<void> {
  const done = `select count(*)::int as n from chain where name = 'sync-manager' and state = 'succeeded'`;
  const [before] = await direct.query<{ n: number }>(done);
  await direct.query(`update schedule set next_due_at = now() where name = 'sync:manager'`);
  const more = async () => (await direct.query<{ n: number }>(done))[0]!.n > before!.n;
  await until('a chain to be carried', more, withinMs);
}

/** Asks once a second that the service is there, says that the database is away, and does not end. */
async function staysDegraded(service: RunningService, forMs: number): Promise<void> {
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    await delay(1_000);
    assert.equal(service.child.exitCode, null, service.output());
    const { status, checks } = await healthOf(service);
    assert.deepEqual([status, checks[0]?.status], ['degraded', 'degraded']);
  }
}

describe('PostgreSQL away', { concurrency: 2 }, () => {
  describe('its port accepts and says nothing', { concurrency: 1 }, () => {
    let database: TestDatabase;
    let proxy: SilencingProxy;
    let direct: Database;
    let here: World;
    let service: RunningService;
    before(async () => {
      database = await testDatabase();
      proxy = await startSilencingProxy(database.url);
      direct = openDatabase(database.url, { applicationName: 'test', max: 1 });
      here = await world(proxy.url);
    });
    after(async () => {
      await service?.stop();
      await here.receiver.close();
      await direct.close();
      await proxy.close();
      await database.close();
    });

    test('at boot: degraded, no exit however long, then it works', async () => {
      proxy.fallSilent();
      service = here.start();
      await until('the admin socket', () => healthOf(service).catch(() => null));
      await staysDegraded(service, giveUpMs * 2);
      proxy.speak();
      const from = performance.now();
      await until('the schedule', async () => (await direct.query('select 1 from schedule')).length > 0, backWithinMs);
      await worksAgain(direct, backWithinMs - (performance.now() - from));
      await until(
        'the end of the alert',
        async () => told(here).join() === 'database.down open,database.down resolved',
      );
      assert.equal(readBoots(`${here.state}/boots.json`, assert.fail).boots.length, 1);
    });

    test('under a working service: requests are answered within seconds, one exit 70, then it works again', async () => {
      here.receiver.got.length = 0;
      proxy.fallSilent();
      const from = performance.now();
      await assert.rejects(call(service.socket, 'GET', '/chains'), /503 .*database-away/);
      assert.ok(performance.now() - from < 8_000, `answered after ${performance.now() - from} ms`);
      assert.equal((await service.ended).code, 70);
      assert.ok(performance.now() - from < 25_000, `ended after ${performance.now() - from} ms`);
      service = here.start();
      await until('the admin socket', () => healthOf(service).catch(() => null));
      await staysDegraded(service, giveUpMs * 1.5);
      assert.deepEqual(told(here), ['database.down open']);
      proxy.speak();
      await worksAgain(direct, backWithinMs);
      await until('the end of the alert', async () => told(here).length > 1);
      assert.deepEqual(told(here), ['database.down open', 'database.down resolved']);
      assert.deepEqual(await direct.query(`select rule from alert where state = 'open'`), []);
      const ends = readBoots(`${here.state}/boots.json`, assert.fail).boots.map(({ end }) => end);
      assert.deepEqual(ends, [70, null]);
    });
  });

  test('stopped under a working service: one exit 70, one alert, then it works again', async () => {
    const server: TestServer = await startTestServer();
    const here = await world(server.url);
    let service = here.start();
    const direct = openDatabase(server.url, { applicationName: 'test', max: 1, onError: () => {} });
    try {
      await working(service);
      await worksAgain(direct, backWithinMs);
      await server.pause();
      assert.equal((await service.ended).code, 70);
      service = here.start();
      await until('the admin socket', () => healthOf(service).catch(() => null));
      await staysDegraded(service, giveUpMs * 1.5);
      assert.deepEqual(told(here), ['database.down open']);
      await server.resume();
      await worksAgain(direct, backWithinMs);
      await until('the end of the alert', async () => told(here).length > 1);
      assert.deepEqual(told(here), ['database.down open', 'database.down resolved']);
      assert.deepEqual(await direct.query(`select rule from alert where state = 'open'`), []);
    } finally {
      await service.stop();
      await direct.close();
      await here.receiver.close();
      await server.stop();
    }
  });
});

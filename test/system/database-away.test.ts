/**
 * PostgreSQL is away for longer than the service waits for it (the times are scaled to seconds): stopped, silent, and at
 * boot. At most one exit 70, one alert told once, and work again within ten seconds of its return.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { readBoots } from '../../src/process/boot-record.ts';
import { openReceiver, type Receiver } from '../alerts/receiver.ts';
import { startTestServer, testDatabase } from '../support/database.ts';
import { healthOf, stateDirectory } from '../support/recovery.ts';
import { call, type RunningService, startService, until, working } from '../support/service.ts';
import { type SilencingProxy, startSilencingProxy } from '../support/silencing-proxy.ts';

const giveUpMs = 2_000;
const backWithinMs = 10_000;

interface World {
  readonly state: string;
  readonly receiver: Receiver;
  /** Of the database, not through anything. */
  readonly direct: Database;
  start(): RunningService;
  close(): Promise<void>;
}

async function world(databaseUrl: string, directUrl: string, settings: Record<string, string> = {}): Promise<World> {
  const receiver = await openReceiver();
  const state = stateDirectory();
  const env = {
    LINEKEEPER_ALERTS_WEBHOOK_URL: receiver.url,
    LINEKEEPER_DEPENDENCY_GIVE_UP_MS: `${giveUpMs}`,
    LINEKEEPER_CRASH_LOOP_HEALTHY_AFTER_MS: '500',
    ...settings,
  };
  const direct = openDatabase(directUrl, { applicationName: 'test', max: 1, onError: () => {} });
  let service: RunningService | null = null;
  return {
    state,
    receiver,
    direct,
    start() {
      service = startService({ databaseUrl, stateDirectory: state, env });
      return service;
    },
    async close() {
      await service?.stop();
      await direct.close();
      await receiver.close();
    },
  };
}

const socketThere = (service: RunningService) => until('the admin socket', () => healthOf(service).catch(() => null));

async function toldTwice(here: World): Promise<void> {
  await until('the end of the alert', async () => told(here).length > 1);
  assert.deepEqual(told(here), ['database.down open', 'database.down resolved']);
  assert.deepEqual(await here.direct.query(`select rule from alert where state = 'open'`), []);
}

const endsOf = ({ state }: World) => readBoots(`${state}/boots.json`, assert.fail).boots.map(({ end }) => end);

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

describe('PostgreSQL away', { concurrency: 4 }, () => {
  /** A database behind a proxy that may fall silent. */
  async function behindProxy(
    settings: Record<string, string>,
    run: (proxy: SilencingProxy, here: World) => Promise<void>,
  ): Promise<void> {
    const database = await testDatabase();
    const proxy = await startSilencingProxy(database.url);
    const here = await world(proxy.url, database.url, settings);
    try {
      await run(proxy, here);
    } finally {
      await here.close();
      await proxy.close();
      await database.close();
    }
  }

  test('silent at boot: degraded, no exit however long, then it works', () =>
    behindProxy({}, async (proxy, here) => {
      proxy.fallSilent();
      const service = here.start();
      await socketThere(service);
      await staysDegraded(service, giveUpMs * 2);
      proxy.speak();
      const from = performance.now();
      const prepared = async () => (await here.direct.query('select 1 from schedule')).length > 0;
      await until('the schedule', prepared, backWithinMs);
      await worksAgain(here.direct, backWithinMs - (performance.now() - from));
      await toldTwice(here);
      assert.deepEqual(endsOf(here), [null]);
    }));

  test('silent for good: requests are answered within seconds, one exit 70, then it works again', () =>
    behindProxy({}, async (proxy, here) => {
      const first = here.start();
      await working(first);
      proxy.fallSilent();
      const from = performance.now();
      await assert.rejects(call(first.socket, 'GET', '/chains'), /503 .*database-away/);
      assert.ok(performance.now() - from < 8_000, `answered after ${performance.now() - from} ms`);
      assert.equal((await first.ended).code, 70);
      assert.ok(performance.now() - from < 20_000, `ended after ${performance.now() - from} ms`);
      const second = here.start();
      await socketThere(second);
      await staysDegraded(second, giveUpMs * 1.5);
      assert.deepEqual(told(here), ['database.down open']);
      proxy.speak();
      await worksAgain(here.direct, backWithinMs);
      await toldTwice(here);
      assert.deepEqual(endsOf(here), [70, null]);
    }));

  test('silent for a while: the same process works again, over sessions of its own that are new', () =>
    behindProxy({ LINEKEEPER_DEPENDENCY_GIVE_UP_MS: '60000' }, async (proxy, here) => {
      const service = here.start();
      await working(service);
      await worksAgain(here.direct, backWithinMs);
      proxy.fallSilent();
      await until('the silence to be noticed', async () => (await healthOf(service)).checks[0]?.status === 'degraded');
      proxy.speak();
      await worksAgain(here.direct, backWithinMs);
      assert.deepEqual(endsOf(here), [null]);
      const burned = await here.direct.query(`select * from step_log where attempt > 1 or outcome = 'crashed'`);
      assert.deepEqual(burned, []);
    }));

  test('stopped: one exit 70, one alert, then it works again', async () => {
    const server = await startTestServer();
    const here = await world(server.url, server.url);
    try {
      const first = here.start();
      await working(first);
      await worksAgain(here.direct, backWithinMs);
      await server.pause();
      assert.equal((await first.ended).code, 70);
      const second = here.start();
      await socketThere(second);
      await staysDegraded(second, giveUpMs * 1.5);
      assert.deepEqual(told(here), ['database.down open']);
      await server.resume();
      await worksAgain(here.direct, backWithinMs);
      await toldTwice(here);
      assert.deepEqual(endsOf(here), [70, null]);
    } finally {
      await here.close();
      await server.stop();
    }
  });
});

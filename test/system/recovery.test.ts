/**
 * Parts of the running service fail while a sync is in the midst of its import; each recovers by itself, and the totals
 * are those of a run that nobody disturbed. The process is the one that `npm start` runs.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChainDetailView } from '../../src/admin/views.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { openReceiver, type Receiver } from '../alerts/receiver.ts';
import { startTestServer } from '../support/database.ts';
import {
  actorOf,
  assertSound,
  digestsOf,
  embeddedServer,
  healthOf,
  hold,
  restartedActors,
  startSync,
  stateDirectory,
  syncEnds,
  troubles,
} from '../support/recovery.ts';
import { call, type RunningService, type ServiceOptions, startService, until, working } from '../support/service.ts';
import { silentSftp, silentTcp } from '../support/silent-server.ts';
import { documentIn, makeWorld, tariffsOf, type World, zonesOf } from '../support/world.ts';

const customers = ['C001', 'C002', 'C003', 'C004'];
const backWithinMs = 10_000;

let world: World;
/** Without a channel health is never better than degraded. */
let receiver: Receiver;
/** By account, of a run that nobody disturbed. */
let undisturbed: string[];

before(async () => {
  receiver = await openReceiver();
  world = await makeWorld(['--records', '4000', '--subs', '8', '--customers', '4', '--months', '2026-03,2026-04']);
  await withService({ databaseUrl: await world.database() }, async ({ service, database }) => {
    const started = await Promise.all(customers.map((customer) => startSync(service, customer)));
    for (const { task } of started) await syncEnds(service, task);
    undisturbed = await digestsOf(database);
  });
  assert.equal(undisturbed.length, 8, undisturbed.join('\n'));
});
after(async () => {
  await world.close();
  await receiver.close();
});

// two at once: they mostly wait
describe('while a sync runs', { concurrency: 2 }, () => {
  describe('on the embedded database', { concurrency: 1 }, () => {
    let service: RunningService;
    let database: Database;
    const state = stateDirectory();

    before(async () => {
      service = startService({ databaseUrl: null, stateDirectory: state, env: channel() });
      await working(service);
      database = openDatabase(embeddedServer(state).url, { applicationName: 'test', max: 2, onError: () => {} });
      await database.query(`update schedule set enabled = false`);
      await loadWorld(service);
      await database.query(`update sync_profile set next_due = now() + interval '1 hour'`);
    });
    after(async () => {
      await service?.stop();
      await database?.close();
    });

    test('a PostgreSQL whose postmaster was killed comes back, and the sync goes on', async () => {
      await throughOutage('C001', 'rate', () => process.kill(embeddedServer(state).pid, 'SIGKILL'));
    });

    test('a PostgreSQL that was asked to end comes back, and the sync goes on', async () => {
      await throughOutage('C002', 'import', () => process.kill(embeddedServer(state).pid, 'SIGINT'));
    });

    test('a PostgreSQL whose keeper was killed is adopted with its sessions, and the sync goes on', async () => {
      const held = await hold(embeddedServer(state).url, 'import');
      const { task } = await startSync(service, 'C003');
      await held.reached();
      const before = (await actorOf(service, 'infrastructure/postgres')).about!;
      process.kill(before.keeperPid as number, 'SIGKILL');
      const adopted = await until('a new keeper', async () => {
        const { about, state: is } = await actorOf(service, 'infrastructure/postgres');
        return is === 'running' && about?.keeperPid !== before.keeperPid && about;
      });
      assert.equal(adopted.adopted, true);
      assert.equal(adopted.pid, before.pid);
      await held.release();
      await syncEnds(service, task, backWithinMs);
      assert.deepEqual(await troubles(database), []);
    });

    test('a crashed engine is restarted, frees what it held, and the sync goes on', async () => {
      const held = await hold(embeddedServer(state).url, 'import');
      const { task, chain } = await startSync(service, 'C004');
      await held.reached();
      const restartedBefore = await restartedActors(service);
      assert.ok(!restartedBefore.includes('work/chains/engine'), restartedBefore.join());
      await database.query('alter table node rename column beat to beat_away');
      await until(
        'the engine to be restarted',
        async () => (await actorOf(service, 'work/chains/engine')).restarts > 0,
      );
      await database.query('alter table node rename column beat_away to beat');
      await held.release();
      await syncEnds(service, task);
      const { log } = await call<ChainDetailView>(service.socket, 'GET', `/chains/${chain}`);
      assert.ok(log.some(({ step, outcome }) => step === 'import' && outcome === 'recovered'));
      assert.deepEqual(
        (await restartedActors(service)).filter((path) => !restartedBefore.includes(path)),
        ['work/chains/engine'],
      );
    });

    test('after all of that the totals are those of an undisturbed run, and health is ok', async () => {
      assert.deepEqual(await digestsOf(database), undisturbed);
      await assertSound(database);
      await until('health to be ok', async () => (await healthOf(service)).status === 'ok', backWithinMs);
      assert.deepEqual(await openAlerts(database), []);
      assert.equal(service.child.exitCode, null);
    });

    async function throughOutage(customer: string, step: 'import' | 'rate', end: () => void): Promise<void> {
      const held = await hold(embeddedServer(state).url, step);
      const { task } = await startSync(service, customer);
      await held.reached();
      end();
      await until('health to say that the database is away', () => isAway(service));
      await until('the database to be back', () => isBack(service));
      await syncEnds(service, task, backWithinMs);
      assert.deepEqual(await troubles(database), []);
    }
  });

  test('a PostgreSQL of its own that is away for seconds is a state: no attempt is burned, no lease expires', async () => {
    const server = await startTestServer();
    try {
      await withService({ databaseUrl: server.url }, async ({ service, database }) => {
        await database.query(`update schedule set enabled = false`);
        await loadWorld(service);
        await database.query(`update sync_profile set next_due = now() + interval '1 hour'`);
        const { node } = await healthOf(service);
        for (const [customer, step] of [
          ['C001', 'import'],
          ['C002', 'rate'],
        ] as const) {
          const held = await hold(server.url, step);
          const { task } = await startSync(service, customer);
          await held.reached();
          await server.pause();
          await until('health to say that the database is away', () => isAway(service));
          // longer than three leases
          if (customer === 'C001') await delay(3_000);
          assert.ok(await isAway(service));
          assert.equal((await healthOf(service)).status, 'degraded');
          await server.resume();
          await syncEnds(service, task, backWithinMs);
        }
        assert.deepEqual(await troubles(database), []);
        const others = await Promise.all(['C003', 'C004'].map((customer) => startSync(service, customer)));
        for (const { task } of others) await syncEnds(service, task);
        assert.deepEqual(await restartedActors(service), []);
        assert.deepEqual(await digestsOf(database), undisturbed);
        await assertSound(database);
        const health = await until('health to be ok', async () => {
          const now = await healthOf(service);
          return now.status === 'ok' && now;
        });
        assert.equal(health.node, node);
        assert.deepEqual(await openAlerts(database), []);
      });
    } finally {
      await server.stop();
    }
  });

  test('a compute thread that dies fails its own step alone, which succeeds when it is given memory', async () => {
    const databaseUrl = await world.database();
    const state = stateDirectory();
    const options = { databaseUrl, stateDirectory: state };
    let chain = '';
    await withService(
      { ...options, env: { LINEKEEPER_COMPUTE_TASK_MEMORY_MB: '64' } },
      async ({ service, database }) => {
        // a tariff that fits the main thread and not such a thread; its networks are in no rule, so it rates as before
        for (const tariff of tariffsOf(world.directory) as { tariff: string; versions: { zones?: object }[] }[]) {
          if (tariff.tariff !== 'kpn-zakelijk-flex') continue;
          const everywhere = Array.from({ length: 780_000 }, (_, index) => String(200_000 + index));
          const [first, ...versions] = tariff.versions;
          versions.push({ ...first, zones: { ...first!.zones, everywhere } });
          await call(service.socket, 'POST', '/tariffs', { ...tariff, versions });
        }
        const poisoned = await startSync(service, 'C002');
        chain = poisoned.chain;
        await until('the thread to die', async () => deaths(await healthOf(service)) > 0);
        const { task } = await startSync(service, 'C001');
        await syncEnds(service, task);
        const dead = await until('the poisoned step to be dead-lettered', async () => {
          const view = await call<ChainDetailView>(service.socket, 'GET', `/chains/${chain}`);
          return view.state === 'dead' && view;
        });
        assert.equal(dead.step, 'rate');
        assert.deepEqual(
          dead.log.filter(({ outcome }) => outcome === 'crashed').map(({ attempt }) => attempt),
          [1, 2, 3],
        );
        assert.match(dead.reason!, /compute thread died during rate-cycle/);
        const compute = (await actorOf(service, 'infrastructure/compute')).about!;
        assert.deepEqual([compute.threads, compute.died, compute.running, compute.queued], [1, 3, 0, 0]);
        assert.deepEqual(await restartedActors(service), []);
        await until('the alert', async () => (await openAlerts(database)).join() === 'chain.dead');
      },
    );
    await withService({ ...options, env: { LINEKEEPER_COMPUTE_TASK_MEMORY_MB: '1024' } }, async (running) => {
      await call(running.service.socket, 'POST', `/chains/${chain}/retry`, {});
      await until('the retried chain to succeed', async () => {
        const view = await call<ChainDetailView>(running.service.socket, 'GET', `/chains/${chain}`);
        return view.state === 'succeeded';
      });
      const mine = undisturbed.filter((line) => /^000000010[12] /.test(line));
      assert.deepEqual(await digestsOf(running.database), mine);
      await assertSound(running.database);
      await until('the alert to be closed', async () => (await openAlerts(running.database)).length === 0);
    });
  });

  test('a provider that never answers holds its lane no longer than the deadline, or until a cancel', async () => {
    const mute = await silentSftp();
    const deaf = await silentTcp();
    const env = {
      LINEKEEPER_CHAINS_LANES: '1',
      LINEKEEPER_CHAINS_STEP_DEADLINE_MS: '4000',
      LINEKEEPER_PROVIDERS_SFTP_MAX_SESSIONS: '1',
      LINEKEEPER_SECRET_PROVIDER: 'secret',
    };
    try {
      await withService({ databaseUrl: await world.database(), env }, async ({ service, database }) => {
        const sftp = (port: number) => ({
          kind: 'sftp',
          host: '127.0.0.1',
          port,
          user: 'kpn',
          dir: '/',
          password: { env: 'LINEKEEPER_SECRET_PROVIDER' },
          hostKeySha256: mute.hostKeySha256,
        });
        await applyCustomers(service, { C002: sftp(mute.port), C003: sftp(deaf.port) });
        // nothing that would be opened: opening it would hang until somebody writes to it
        const fifo = join(world.directory, 'drops/0000000101/SP16X_0000000101_202605_000099.dat.gz');
        execFileSync('mkfifo', [fifo, `${fifo}.ok`]);

        const hanging = await startSync(service, 'C002');
        const free = await startSync(service, 'C001');
        await syncEnds(service, free.task);
        const [crash] = (await call<ChainDetailView>(service.socket, 'GET', `/chains/${hanging.chain}`)).log;
        assert.equal(crash?.outcome, 'crashed', JSON.stringify(crash));
        assert.match(crash.reason!, /step fetch .* made no progress for 4000 ms, its deadline/);
        await call(service.socket, 'POST', `/chains/${hanging.chain}/cancel`, {});

        const cancelled = await startSync(service, 'C003');
        await until('the provider to be called', async () => deaf.connections() > 0);
        await call(service.socket, 'POST', `/chains/${cancelled.chain}/cancel`, {});
        await until('the lane to be free', () => laneIsFree(service), 2_000);
        await until('all connections to be ended', async () => deaf.connections() + mute.connections() === 0, 2_000);
        const { about } = await actorOf(service, 'work/providers/kpn-sp16');
        assert.equal(about!.open, 0, 'all sessions of the provider were given back');

        await applyCustomers(service, {});
        await database.query(`update sync_task set status = 'failed' where status = 'open'`);
        for (const customer of ['C002', 'C003', 'C004'])
          await syncEnds(service, (await startSync(service, customer)).task);
        assert.deepEqual(await digestsOf(database), undisturbed);
        await assertSound(database);
        assert.deepEqual(await restartedActors(service), []);
      });
    } finally {
      await mute.stop();
      await deaf.stop();
    }
  });
});

const channel = () => ({ LINEKEEPER_ALERTS_WEBHOOK_URL: receiver.url });

interface Running {
  readonly service: RunningService;
  readonly database: Database;
}

async function withService(
  options: Omit<ServiceOptions, 'stateDirectory' | 'databaseUrl'> & { databaseUrl: string; stateDirectory?: string },
  work: (running: Running) => Promise<void>,
): Promise<void> {
  const service = startService({
    stateDirectory: stateDirectory(),
    ...options,
    env: { ...channel(), ...options.env },
  });
  const database = openDatabase(options.databaseUrl, { applicationName: 'test', max: 2, onError: () => {} });
  try {
    await working(service);
    await work({ service, database });
  } finally {
    await service.stop();
    await database.close();
  }
}

async function loadWorld(service: RunningService): Promise<void> {
  for (const zones of zonesOf(world.directory)) await call(service.socket, 'POST', '/zones', zones);
  for (const tariff of tariffsOf(world.directory)) await call(service.socket, 'POST', '/tariffs', tariff);
  await applyCustomers(service, {});
}

/** The world's customers, some of them with another transport. */
async function applyCustomers(service: RunningService, transports: Readonly<Record<string, unknown>>): Promise<void> {
  const document = documentIn(world.directory, 'customers.json') as {
    customers: { code: string; contracts: { profiles: { transport: unknown }[] }[] }[];
  };
  for (const { code, contracts } of document.customers) {
    if (transports[code] !== undefined) contracts[0]!.profiles[0]!.transport = transports[code];
  }
  await call(service.socket, 'POST', '/customers', document);
}

async function databaseCheck(service: RunningService): Promise<string> {
  return (await healthOf(service)).checks.find(({ name }) => name === 'database')!.status;
}
const isAway = async (service: RunningService) => (await databaseCheck(service)) === 'degraded';
const isBack = async (service: RunningService) => (await databaseCheck(service)) === 'ok';

async function laneIsFree(service: RunningService): Promise<boolean> {
  const engine = (await healthOf(service)).checks.find(({ name }) => name === 'engine')!;
  return engine.message.startsWith('0 of 1 lanes busy');
}

function deaths({ checks }: { checks: readonly { name: string; message: string }[] }): number {
  const compute = checks.find(({ name }) => name === 'compute')!;
  return Number(/(\d+) died/.exec(compute.message)![1]);
}

/** Without those about the world's records, of which some have call codes that nobody knows, no price, or a high one. */
async function openAlerts(database: Database): Promise<string[]> {
  const rows = await database.query<{ rule: string }>(
    `select rule from alert where state = 'open' and rule not like 'file.%' and rule <> 'totals.unrated' and remind order by rule`,
  );
  return rows.map(({ rule }) => rule);
}

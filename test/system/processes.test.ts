/**
 * Several node processes under a primary, as `linekeeper start --processes 2` runs them: what happens to the others, to the
 * chains and to the primary when one dies, hangs, keeps dying or is restarted, and when the primary itself is killed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { HealthView, ProcessView } from '../../src/admin/views.ts';
import { findPostmaster } from '../../src/database/embedded/postmaster.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { readBoots } from '../../src/process/boot-record.ts';
import { openReceiver, type Receiver } from '../alerts/receiver.ts';
import { assertSound, hold, startSync, stateDirectory, syncEnds, troubles } from '../support/recovery.ts';
import { call, type RunningService, startService, until } from '../support/service.ts';
import { makeWorld, type World } from '../support/world.ts';

let world: World;
let receiver: Receiver;
before(async () => {
  receiver = await openReceiver();
  world = await makeWorld(['--records', '1000', '--subs', '4', '--customers', '1', '--months', '2026-03']);
});
after(async () => {
  await world?.close();
  await receiver?.close();
});

const processesOf = (service: RunningService) => call<ProcessView[]>(service.socket, 'GET', '/processes');
const pidsOf = async (service: RunningService) => (await processesOf(service)).map(({ pid }) => pid);
const told = () => receiver.got.map(({ rule, status }) => `${rule} ${status}`);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function allWorking(service: RunningService): Promise<void> {
  await until('all processes to work', async () => {
    if (service.child.exitCode !== null) assert.fail(service.output());
    const processes = await processesOf(service).catch(() => []);
    return (
      processes.length > 0 && processes.every(({ state, status }) => state === 'ready' && /^working/.test(status!))
    );
  });
}

async function withCluster(
  run: (service: RunningService, database: Database, url: string) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const url = await world.database();
  const database = openDatabase(url, { applicationName: 'test', max: 2, onError: () => {} });
  const service = startService({
    databaseUrl: url,
    stateDirectory: stateDirectory(),
    env: { LINEKEEPER_PROCESSES: '2', LINEKEEPER_ALERTS_WEBHOOK_URL: receiver.url, ...env },
  });
  try {
    await allWorking(service);
    await database.query(`update sync_profile set next_due = now() + interval '1 hour'`);
    await run(service, database, url);
  } finally {
    await service.stop();
    await database.close();
  }
}

describe('node processes under a primary', { concurrency: 3 }, () => {
  test('the chains of a node that was killed go on in another, and only that one is started again', () =>
    withCluster(async (service, database, url) => {
      const held = await hold(url, 'rate');
      const { task, chain } = await startSync(service, 'C001');
      await held.reached();
      // others may stand before that lock too
      const owner = await until('its rating to be held', async () => {
        const [found] = await database.query<{ pid: number }>(
          `select node.pid from chain join node on node.id = chain.owner where chain.id = $1 and chain.step = 'rate'`,
          [chain],
        );
        return found;
      });
      const before = await pidsOf(service);
      assert.ok(before.includes(owner.pid));
      process.kill(owner.pid, 'SIGKILL');
      await held.release();
      await syncEnds(service, task);
      assert.deepEqual(await troubles(database), ['rate recovered its node is gone', 'rate succeeded ']);
      const back = await until('the killed one to be back', async () => {
        const processes = await processesOf(service);
        return processes.every(({ state }) => state === 'ready') && processes;
      });
      const restarts = before.map((pid) => (pid === owner.pid ? 1 : 0));
      assert.deepEqual(
        back.map((one) => one.restarts),
        restarts,
      );
      assert.equal(back.filter(({ pid }) => before.includes(pid)).length, 1);
      await assertSound(database);
      await until('the whole to be well', async () => {
        const health = await call<HealthView>(service.socket, 'GET', '/health');
        return health.status === 'ok';
      });
    }));

  test('a node that hangs proves nothing: it is killed and started again', () =>
    withCluster(
      async (service) => {
        const [hung, other] = await pidsOf(service);
        process.kill(hung!, 'SIGSTOP');
        await until('the hung one to be replaced', async () => {
          const [first] = await processesOf(service);
          return first!.state === 'ready' && first!.pid !== hung && first!.restarts === 1;
        });
        assert.equal(isAlive(hung!), false);
        assert.equal((await pidsOf(service))[1], other);
      },
      { LINEKEEPER_WATCHDOG_DEADLINE_MS: '3000', LINEKEEPER_WATCHDOG_INTERVAL_MS: '500' },
    ));

  test('a rolling restart replaces every process and always leaves one that is ready', () =>
    withCluster(async (service, database, url) => {
      const before = await pidsOf(service);
      const held = await hold(url, 'rate');
      const { task } = await startSync(service, 'C001');
      await held.reached();
      const restarting = call<{ pid: number }[]>(service.socket, 'POST', '/processes/restart', {});
      let fewest = 2;
      let over = false;
      void restarting.finally(() => {
        over = true;
      });
      await until('one to be stopping', async () =>
        (await processesOf(service)).some(({ state }) => state !== 'ready'),
      );
      await held.release();
      await until('the restart', async () => {
        const ready = (await processesOf(service)).filter(({ state }) => state === 'ready').length;
        fewest = Math.min(fewest, ready);
        return over;
      });
      const restarted = await restarting;
      assert.equal(fewest, 1);
      assert.deepEqual(
        restarted.map(({ pid }) => pid),
        await pidsOf(service),
      );
      for (const { pid } of restarted) assert.ok(!before.includes(pid));
      await syncEnds(service, task);
      assert.deepEqual(await troubles(database), []);
      await assertSound(database);
      const processes = await processesOf(service);
      assert.deepEqual(
        processes.map(({ restarts }) => restarts),
        [0, 0],
        'a wanted restart takes nothing from the budget',
      );
    }));

  test('processes that keep dying: the primary answers, alerts once, and gives up with 70', () =>
    withCluster(async (service) => {
      const socket = service.socket;
      const kills = setInterval(() => {
        void processesOf(service).then(
          (processes) => {
            // one that has just ended by itself is no process any more
            for (const { pid } of processes) if (pid !== null && isAlive(pid)) process.kill(pid, 'SIGKILL');
          },
          () => {},
        );
      }, 30);
      try {
        await until('the primary to say that no node is there', async () => {
          const said = await call(socket, 'GET', '/health').catch(({ message }: Error) => message);
          return typeof said === 'string' && /503 .*"failing".*process 1 is backoff.*process 2 is backoff/.test(said);
        });
        await until('a request that no node can take', async () => {
          const refused = await call(socket, 'GET', '/chains').catch((error: Error) => error.message);
          return typeof refused === 'string' && /503 .*no node process is ready: process 1 is/.test(refused);
        });
        const { code } = await service.ended;
        assert.equal(code, 70);
      } finally {
        clearInterval(kills);
      }
      assert.equal(told().filter((one) => one === 'process.crash-loop open').length, 1, told().join(', '));
      const boots = readBoots(`${socket.replace('/admin.sock', '')}/boots.json`, assert.fail).boots;
      assert.deepEqual(
        boots.map(({ end }) => end),
        [70],
      );
    }));

  test('told to end, it ends all its nodes in order', () =>
    withCluster(async (service, database) => {
      const pids = await pidsOf(service);
      service.child.kill('SIGTERM');
      assert.equal((await service.ended).code, 0);
      assert.deepEqual(
        pids.filter((pid) => isAlive(pid!)),
        [],
      );
      const states = await database.query<{ state: string }>('select distinct state from node');
      assert.deepEqual(states, [{ state: 'ended' }]);
    }));

  test('when the primary is killed its nodes end with it, and PostgreSQL too; the next start works', async () => {
    const state = stateDirectory();
    const start = () =>
      startService({
        databaseUrl: null,
        stateDirectory: state,
        env: { LINEKEEPER_PROCESSES: '2', LINEKEEPER_ALERTS_WEBHOOK_URL: receiver.url },
      });
    const first = start();
    await allWorking(first);
    const pids = await pidsOf(first);
    process.kill((await call<HealthView>(first.socket, 'GET', '/health')).pid, 'SIGKILL');
    await first.ended;
    await until('the nodes to end', async () => pids.every((pid) => !isAlive(pid!)), 10_000);
    assert.match(first.output(), /"code":70.*the node stops: the primary process is gone/);
    const data = `${state}/postgresql/data`;
    await until('PostgreSQL to end', async () => findPostmaster(data) === null, 10_000);
    const second = start();
    await allWorking(second);
    await second.stop();
    assert.equal((await second.ended).code, 0);
  });
});

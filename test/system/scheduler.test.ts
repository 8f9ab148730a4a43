/**
 * What is due runs by itself: schedule row, `sync:manager` chain, router, provider chain. The process is the one that
 * `npm start` runs; a test only moves due times into the past.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { AlertView, ChainView, ChainWhyView, HealthView } from '../../src/admin/views.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { assertSound, restartedActors, stateDirectory } from '../support/recovery.ts';
import { call, type RunningService, startService, until, working } from '../support/service.ts';
import { documentIn, makeWorld, type World } from '../support/world.ts';

let world: World;
before(async () => {
  world = await makeWorld(['--records', '600', '--subs', '6', '--customers', '3', '--months', '2026-03']);
});
after(() => world.close());

describe('one service', () => {
  let service: RunningService;
  let database: Database;
  before(async () => {
    const databaseUrl = await world.database();
    database = openDatabase(databaseUrl, { applicationName: 'test', max: 2, onError: () => {} });
    service = startService({ databaseUrl, stateDirectory: stateDirectory() });
    await working(service);
  });
  after(async () => {
    await service.stop();
    await database.close();
  });

  test('a due profile is synced without anybody asking: one slot, one task, one decision, totals', async () => {
    await makeDue(database, 'C001');
    const dueAt = await fireNow(database, 'sync:manager');
    const [task] = await until('the sync to succeed', async () => {
      const tasks = await tasksOf(database);
      return tasks.length > 0 && tasks.every(({ status }) => status === 'succeeded') && tasks;
    });
    assert.deepEqual(await tasksOf(database), [{ profile: 'C001', status: 'succeeded', by: 'sync:manager' }]);
    assert.equal(task!.profile, 'C001');
    const [slot] = await slotsAt(database, dueAt);
    assert.equal(slot!.result, 'fired');
    assert.deepEqual(
      await database.query(
        `select name, state::text, requested_by as by from chain c where name <> 'sync-manager' or id = $1 order by id`,
        [slot!.chainId],
      ),
      [
        { name: 'sync-manager', state: 'succeeded', by: 'schedule sync:manager' },
        { name: 'kpn-sp16', state: 'succeeded', by: 'sync:manager' },
      ],
    );
    assert.deepEqual(await decisions(database), [
      { profile: 'C001', syncType: 'KPN_SP16', result: 'routed', chain: 'kpn-sp16', hasChain: true },
    ]);
    const [totals] = await database.query(`select count(*)::int as n from total_generation where state = 'current'`);
    assert.equal(totals!.n, 1);
    const [due] = await database.query(
      `select (select next_due_at > now() from schedule where name = 'sync:manager') as schedule,
         (select bool_and(next_due > now()) from sync_profile) as profiles`,
    );
    assert.deepEqual(due, { schedule: true, profiles: true });
    await assertSound(database);
  });

  test('an unknown sync type is a stored failure with an alert, one without chain here is blocked, and others run', async () => {
    await giveSyncTypes(service, { C001: 'CARRIER_PIGEON', C002: 'GRIP' });
    await database.query('delete from routing_decision');
    for (const customer of ['C001', 'C002', 'C003']) await makeDue(database, customer);
    await fireNow(database, 'sync:manager');
    await until('the sync of C003 to succeed', async () =>
      (await tasksOf(database)).some(({ profile, status }) => profile === 'C003' && status === 'succeeded'),
    );
    assert.deepEqual((await tasksOf(database)).slice(1), [
      { profile: 'C001', status: 'unroutable', by: 'sync:manager' },
      { profile: 'C002', status: 'open', by: 'sync:manager' },
      { profile: 'C003', status: 'succeeded', by: 'sync:manager' },
    ]);
    assert.deepEqual(await decisions(database), [
      { profile: 'C001', syncType: 'CARRIER_PIGEON', result: 'failed', chain: null, hasChain: false },
      { profile: 'C002', syncType: 'GRIP', result: 'routed', chain: 'grip', hasChain: true },
      { profile: 'C003', syncType: 'KPN_SP16', result: 'routed', chain: 'kpn-sp16', hasChain: true },
    ]);
    const open = await until('the alert', async () => {
      const alerts = await call<AlertView[]>(service.socket, 'GET', '/alerts?state=open');
      const found = alerts.filter(({ rule }) => rule === 'routing.unknown-type');
      return found.length > 0 && found;
    });
    assert.equal(open.length, 1);
    assert.match(
      open[0]!.message,
      /C001\/sp16 .* no provider is registered for sync type CARRIER_PIGEON; known: KPN_SP16/,
    );

    const blocked = await call<ChainView[]>(service.socket, 'GET', '/chains?state=blocked');
    assert.deepEqual(
      blocked.map(({ name, subject }) => [name, subject]),
      [['grip', 'C002/sp16']],
    );
    assert.match(blocked[0]!.reason ?? '', /this release .* grip/);
    const why = await call<ChainWhyView>(service.socket, 'GET', `/chains/${blocked[0]!.id}/why`);
    assert.match(why.because, /blocked .* deploy that release or cancel it/);
    await assertSound(database);
    assert.deepEqual(await restartedActors(service), []);
  });

  test('a profile whose type becomes known again is synced, and its alert is closed', async () => {
    await giveSyncTypes(service, {});
    await makeDue(database, 'C001');
    await fireNow(database, 'sync:manager');
    await until('the sync of C001 to succeed', async () => {
      const tasks = (await tasksOf(database)).filter(({ profile }) => profile === 'C001');
      return tasks.length === 3 && tasks[2]!.status === 'succeeded';
    });
    await until('the alert to be closed', async () => {
      const alerts = await call<AlertView[]>(service.socket, 'GET', '/alerts?state=open');
      return !alerts.some(({ rule }) => rule === 'routing.unknown-type');
    });
  });
});

test('two services on one database: every slot fires once, every due profile gets one task', async () => {
  const databaseUrl = await world.database();
  const database = openDatabase(databaseUrl, { applicationName: 'test', max: 2, onError: () => {} });
  const states = [stateDirectory(), stateDirectory()];
  // nodes of one database share its archive
  const env = { LINEKEEPER_ARCHIVE_DIRECTORY: join(states[0]!, 'archive') };
  const services: RunningService[] = [];
  try {
    for (const state of states) services.push(startService({ databaseUrl, stateDirectory: state, env }));
    for (const service of services) await working(service);
    // a second schedule of the same chain: two managers at once, which look at the same due profiles
    await database.query(
      `insert into schedule (name, cron, chain, next_due_at)
       select 'sync:manager-twin', cron, chain, next_due_at from schedule where name = 'sync:manager'`,
    );
    const profiles = ['C001', 'C002', 'C003'];
    for (let round = 1; round <= 3; round += 1) {
      await database.transaction(async (tx) => {
        for (const customer of profiles) await makeDue(tx, customer);
        await tx.query(`update schedule set next_due_at = now() - interval '1 second' where chain = 'sync-manager'`);
      });
      await until(`the syncs of round ${round}`, async () => {
        const tasks = await tasksOf(database);
        const open = await database.query(`select 1 from chain where state <> 'succeeded'`);
        return tasks.length >= 3 * round && open.length === 0;
      });
      const tasks = await tasksOf(database);
      assert.deepEqual(
        tasks
          .slice(-3)
          .map(({ profile, status }) => `${profile} ${status}`)
          .sort(),
        profiles.map((profile) => `${profile} succeeded`),
      );
      assert.equal(tasks.length, 3 * round);
    }
    const slots = await database.query(
      `select schedule, count(*)::int as fired, count(distinct chain_id)::int as chains from schedule_slot
       where result = 'fired' and schedule like 'sync:%' group by schedule order by schedule`,
    );
    for (const { fired, chains } of slots) assert.ok(fired >= 3 && chains === fired, JSON.stringify(slots));
    const managers = await database.query(`select count(*)::int as n from chain where name = 'sync-manager'`);
    assert.equal(
      managers[0]!.n,
      slots.reduce((sum, { fired }) => sum + fired, 0),
    );
    assert.equal((await decisions(database)).length, 9);
    const [nodes] = await database.query(`select count(*)::int as n from node where state = 'live'`);
    assert.equal(nodes!.n, 2);
    for (const service of services) {
      const { checks } = await call<HealthView>(service.socket, 'GET', '/health');
      assert.deepEqual(
        checks.filter(({ status }) => status !== 'ok'),
        [],
      );
      assert.deepEqual(await restartedActors(service), []);
    }
    await assertSound(database);
  } finally {
    for (const service of services) await service.stop();
    await database.close();
  }
});

type Session = Pick<Database, 'query'>;

async function makeDue(session: Session, customer: string): Promise<void> {
  await session.query(
    `update sync_profile p set next_due = now() - interval '1 second'
     from contract k join customer c on c.id = k.customer_id where k.id = p.contract_id and c.code = $1`,
    [customer],
  );
}

/** Resolves to the due time that the schedule now has, as text. */
async function fireNow(session: Session, schedule: string): Promise<string> {
  const [row] = await session.query(
    `update schedule set next_due_at = date_trunc('milliseconds', now()) - interval '1 second' where name = $1 returning next_due_at::text as due`,
    [schedule],
  );
  return row!.due as string;
}

async function slotsAt(session: Session, dueAt: string): Promise<{ result: string; chainId: string | null }[]> {
  return session.query(`select result, chain_id as "chainId" from schedule_slot where due_at = $1::timestamptz`, [
    dueAt,
  ]);
}

/** In the order of their opening; by customer within one manager. */
async function tasksOf(session: Session): Promise<{ profile: string; status: string; by: string }[]> {
  return session.query(
    `select c.code as profile, t.status, t.requested_by as by from sync_task t join sync_profile p on p.id = t.profile_id
     join contract k on k.id = p.contract_id join customer c on c.id = k.customer_id order by t.started_at, t.id`,
  );
}

async function decisions(session: Session): Promise<Record<string, unknown>[]> {
  return session.query(
    `select c.code as profile, d.sync_type as "syncType", d.result, d.chain_name as chain, d.chain_id is not null as "hasChain"
     from routing_decision d join sync_task t on t.id = d.sync_task_id join sync_profile p on p.id = t.profile_id
     join contract k on k.id = p.contract_id join customer c on c.id = k.customer_id order by d.id`,
  );
}

/** Applies the customers of the world, some with another sync type. */
async function giveSyncTypes(service: RunningService, types: Readonly<Record<string, string>>): Promise<void> {
  const document = documentIn(world.directory, 'customers.json') as {
    customers: { code: string; contracts: { profiles: { syncType: string }[] }[] }[];
  };
  for (const { code, contracts } of document.customers) {
    const type = types[code];
    if (type !== undefined) contracts[0]!.profiles[0]!.syncType = type;
  }
  await call(service.socket, 'POST', '/customers', document);
}

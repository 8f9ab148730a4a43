import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import { migrate } from '../../src/database/migrate.ts';
import { startTestServer, type TestServer, testDatabase } from '../support/database.ts';
import { anyInput, fourSteps, type Harness, harness, isState, until } from './harness.ts';

let h: Harness;
let server: TestServer;
let database: Awaited<ReturnType<typeof testDatabase>>;
before(async () => {
  database = await testDatabase();
  h = await harness({ url: database.url });
});
after(async () => {
  await h.close();
  await database.close();
});

test('all sessions ended again and again under load: no attempt burned, no effect lost or doubled, no lease expired', async () => {
  const engine = h.engine([fourSteps], { lanes: 8 });
  const enqueue = h.enqueueWith([fourSteps]);
  const chains = 150;
  const bootId = () => engine.status().bootId;
  const first = bootId();
  for (let i = 0; i < chains; i += 1) await enqueue(h.database, fourSteps, { i });
  const done = async () =>
    (await h.database.query<{ n: number }>(`select count(*)::int as n from chain where state = 'succeeded'`))[0]!.n;
  let cuts = 0;
  while ((await done()) < chains && cuts < 8) {
    const seen = await done();
    await h.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name like 'linekeeper engine %'`,
    );
    cuts += 1;
    await until(done, (now) => now > seen || now === chains);
  }
  await until(done, (now) => now === chains);
  assert.ok(cuts >= 2, `cut ${cuts} times`);
  const [effects] = await h.database.query('select count(*)::int as n from effect');
  assert.equal(effects!.n, chains * 4);
  const odd = await h.database.query(
    `select * from step_log where outcome not in ('succeeded', 'released') or attempt > 1`,
  );
  assert.deepEqual(odd, []);
  assert.equal(bootId(), first);
  await engine.stop(1_000);
  assert.deepEqual(await auditChains(h.database), []);
});

test('a handler whose read session is ended is told to wait: no attempt is burned and no retry is needed', async () => {
  let ended = 0;
  const reader = chain('reader', anyInput).step(
    'read',
    async ({ read }) => {
      const [session] = await read.query<{ pid: number }>('select pg_backend_pid() as pid');
      if (ended < 2) {
        ended += 1;
        await h.database.query('select pg_terminate_backend($1)', [session!.pid]);
      }
      await read.query('select 1');
      return succeeded();
    },
    { retry: { tries: 1 } },
  );
  const engine = h.engine([reader]);
  const { chainId } = await h.enqueueWith([reader])(h.database, reader, {});
  await h.chainUntil(chainId, isState('succeeded', 'dead'));
  const log = await h.database.query('select outcome, attempt, reason from step_log where chain_id = $1 order by at', [
    chainId,
  ]);
  assert.deepEqual(
    log.map(({ outcome, attempt }) => `${outcome} ${attempt}`),
    ['rejected 1', 'rejected 1', 'succeeded 1'],
  );
  assert.match(log[0]!.reason, /^the database did not serve its reads: /);
  await engine.stop(1_000);
});

test('PostgreSQL crashes and recovers under load, twice: the same, and nothing had to be restarted here', async () => {
  server = await startTestServer();
  await migrate(server.url);
  const own = await harness({ url: server.url });
  own.engine([fourSteps], { lanes: 8 });
  const enqueue = own.enqueueWith([fourSteps]);
  const chains = 100;
  for (let i = 0; i < chains; i += 1) await enqueue(own.database, fourSteps, { i });
  const done = async () => {
    try {
      const [row] = await own.database.query(`select count(*)::int as n from chain where state = 'succeeded'`);
      return row!.n as number;
    } catch {
      return -1; // it is away
    }
  };
  for (let crash = 0; crash < 2; crash += 1) {
    const [backend] = await own.database.query('select pg_backend_pid() as pid');
    const seen = await done();
    process.kill(backend!.pid, 'SIGKILL'); // the postmaster then ends every session and runs crash recovery
    await until(done, (now) => now > seen || now === chains);
  }
  await until(done, (now) => now === chains);
  const [effects] = await own.database.query('select count(*)::int as n from effect');
  assert.equal(effects!.n, chains * 4);
  const odd = await own.database.query(
    `select * from step_log where outcome not in ('succeeded', 'released') or attempt > 1`,
  );
  assert.deepEqual(odd, []);
  await own.close();
  await server.stop();
});

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { capture } from '../../otel/context.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import type { StopPointName } from '../../src/chains/stop-points.ts';
import type { ReadSession, Tx } from '../../src/database/session.ts';
import { anyInput, effect, type Harness, harness, isState, until } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

test('a handler reads one snapshot, cannot write outside its commit, and loses both sessions when it is done', async () => {
  let kept: { read: ReadSession; tx?: Tx } | null = null;
  let writeError = '';
  const reader = chain('reader', anyInput)
    .step('read', async ({ read }) => {
      const [row] = await read.query('select count(*)::int as n from effect');
      return succeeded({ output: row!.n });
    })
    .step('write', async ({ read, chainId }) => {
      kept = { read };
      await read.query('select 1');
      writeError = await read.query(`insert into effect values ($1, 'x')`, [chainId]).then(
        () => 'written',
        (error: Error) => error.message,
      );
      return succeeded({
        commit: async (tx) => {
          kept!.tx = tx;
        },
      });
    });
  const engine = h.engine([reader]);
  const { chainId } = await h.enqueueWith([reader])(h.database, reader, {});
  await h.chainUntil(chainId, isState('succeeded'));
  assert.match(writeError, /read-only|read only/);
  await assert.rejects(kept!.read.query('select 1'), /read session ended when the handler returned/);
  await assert.rejects(kept!.tx!.query('select 1'), /after its commit callback had ended/);
  await engine.stop(1_000);
});

test("at the deadline the handler's query is cancelled on the server", async () => {
  const sleepy = chain('sleepy', anyInput).step(
    'sleep',
    async ({ read }) => {
      await read.query('select pg_sleep(60)');
      return succeeded();
    },
    { deadlineMs: 60, retry: { tries: 1 } },
  );
  const engine = h.engine([sleepy]);
  const { chainId } = await h.enqueueWith([sleepy])(h.database, sleepy, {});
  await h.chainUntil(chainId, isState('dead'));
  const look = () =>
    h.database.query(`select 1 from pg_stat_activity where query like '%pg_sleep(60)' and state = 'active'`);
  await until(look, (rows) => rows.length === 0);
  await engine.stop(1_000);
});

test('a spool directory lives as long as its attempt, and the context names the chain', async () => {
  let spool = '';
  let context: unknown;
  const spooler = chain('spooler', anyInput).step('spool', async ({ spoolDirectory, traceparent }) => {
    spool = await spoolDirectory();
    context = { ...capture(), same: capture()?.traceparent === traceparent };
    assert.ok(existsSync(spool));
    return succeeded({ commit: async () => ({ there: existsSync(spool) }) });
  });
  const engine = h.engine([spooler]);
  const { chainId } = await h.enqueueWith([spooler])(h.database, spooler, {});
  const row = await h.chainUntil(chainId, isState('succeeded'));
  assert.deepEqual(row.previous, { there: true });
  await engine.stop(1_000);
  assert.equal(existsSync(spool), false);
  assert.deepEqual(
    { ...(context as object), traceparent: '' },
    { traceparent: '', chainId, step: 'spool', generation: 0, same: true },
  );
});

test('a rejection that nobody awaited is charged to its chain, and the others go on', async () => {
  const loose = chain('loose', anyInput).step('wait', () => new Promise(() => {}), { retry: { tries: 1 } });
  const engine = h.engine([loose]);
  const { chainId } = await h.enqueueWith([loose])(h.database, loose, {});
  await until(
    async () => engine.running().length,
    (running) => running === 1,
  );
  assert.equal(engine.crashRun('0', new Error('x')), false);
  assert.equal(engine.crashRun(chainId, new Error('nobody awaited this')), true);
  assert.match((await h.chainUntil(chainId, isState('dead'))).reason, /nobody awaited this/);
  await engine.stop(1_000);
});

test('every stop point but mid-recovery is reached in each step of a chain', async () => {
  const reached = new Set<string>();
  const slowly = (step: string) => async (context: Parameters<ReturnType<typeof effect>>[0]) => {
    await until(
      async () => reached,
      (points) => points.has(`mid-sweep ${step}`),
    );
    return effect(step)(context);
  };
  const steps = chain('points', anyInput).step('one', slowly('one')).step('two', slowly('two'));
  const stopPoints = { reach: (name: StopPointName, _id: string, step: string) => void reached.add(`${name} ${step}`) };
  const engine = h.engine([steps], { stopPoints });
  const { chainId } = await h.enqueueWith([steps])(h.database, steps, {});
  await h.chainUntil(chainId, isState('succeeded'));
  await engine.stop(1_000);
  const names = ['after-claim', 'mid-handler', 'after-handler', 'mid-commit-callback', 'before-commit', 'after-commit'];
  const expected = [...names, 'before-ack', 'mid-sweep'].flatMap((name) => [`${name} one`, `${name} two`]);
  assert.deepEqual([...reached].sort(), expected.sort());
});

test("the engine's own crash goes to its owner, and a new engine carries on", async () => {
  const one = chain('one', anyInput).step('one', effect('one'));
  const engine = h.engine([one]);
  await until(
    async () => engine.status().claimedMsAgo,
    (ago) => ago !== null,
  );
  await h.database.query('alter table chain rename to chain_gone');
  await assert.rejects(engine.ended, /relation "chain" does not exist/);
  await h.database.query('alter table chain_gone rename to chain');
  const { chainId } = await h.enqueueWith([one])(h.database, one, {});
  const next = h.engine([one]);
  await h.chainUntil(chainId, isState('succeeded'));
  await next.stop(1_000);
});

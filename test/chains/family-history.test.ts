/** Parents and children on their way into history and back: whoever is needed is there, in whatever order things happen. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { retryChain } from '../../src/chains/commands.ts';
import { atMostOnce, chain, child, failed, succeeded } from '../../src/chains/define.ts';
import { bringBack, carryFinished, createMover } from '../../src/chains/history.ts';
import { createRegistry } from '../../src/chains/registry.ts';
import { replayChain } from '../../src/chains/replay.ts';
import { why } from '../../src/chains/why.ts';
import { anyInput, type Harness, harness, isState } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());
beforeEach(() => h.database.query('truncate chain, chain_history, chain_key, step_log, effect_intent, abandoned_join'));

const atOnce = { keepMs: 0, limit: 1_000 };
const carryAll = async () => {
  while ((await carryFinished(h.database, atOnce)).carried > 0) {}
};
const idsIn = async (table: 'chain' | 'chain_history') =>
  (await h.database.query<{ id: string }>(`select id from ${table} order by id`)).map(({ id }) => id);

let mended = false;
const leaf = chain('leaf', anyInput).step('work', async ({ input }) =>
  input.end === 'failed' && !mended ? failed('asked to fail') : succeeded({ output: { n: input.n ?? null } }),
);
const parent = chain('parent', anyInput)
  .step('begin', async () => succeeded({ output: 'begun' }))
  .step('open', async ({ input }) =>
    succeeded({
      children: ['succeeded', 'failed', 'succeeded'].map((end, n) =>
        child(leaf, { n, end: input.end ?? end }, { onChildFailure: 'fail' }),
      ),
    }),
  )
  .step('join', async ({ children }) => {
    const seen: unknown[] = [];
    for await (const one of children()) seen.push([one.state, one.output]);
    return succeeded({ output: seen as never });
  });
const definitions = [parent, leaf];

/** Families as rows, ended an hour ago: `states` of a parent at its join, then of its children. */
async function family(parentState: string, ...children: string[]): Promise<string[]> {
  const insert = `
    insert into chain (name, step, state, traceparent, input, finished_at, join_token, parent_id, parent_token,
                       on_child_failure, counted, token, reason, reason_by)
    select 'x', 'a', state::chain_state, 't', '{}',
           case when state in ('succeeded', 'failed', 'cancelled') then now() - interval '1 hour' end,
           case when $2::bigint is null then 1 end, $2, case when $2 is not null then 1 end,
           case when $2 is not null then 'fail' end, $2 is not null, 2, 'because', 'test'
    from unnest($1::text[]) state returning id`;
  const [top] = await h.database.query<{ id: string }>(insert, [[parentState], null]);
  const rows = await h.database.query<{ id: string }>(insert, [children, top!.id]);
  await h.database.query(
    `insert into step_log (chain_id, token, step, attempt, outcome, traceparent) values ($1, 1, 'a', 1, 'succeeded', 't')`,
    [top!.id],
  );
  return [top!.id, ...rows.map(({ id }) => id)];
}

test('children stay until their parent has ended, and a parent until the children of its join have', async () => {
  const waiting = await family('children', 'succeeded', 'failed', 'ready');
  const dead = await family('dead', 'failed', 'succeeded');
  const over = await family('failed', 'succeeded', 'failed');
  const [stays, ...gone] = await family('failed', 'succeeded', 'dead');
  await carryAll();
  assert.deepEqual((await idsIn('chain_history')).sort(), [...over, gone[0]].sort());
  assert.deepEqual((await idsIn('chain')).sort(), [...waiting, ...dead, stays, gone[1]].sort());
  await h.database.query(
    `update chain set state = 'cancelled', finished_at = now() - interval '1 minute' where finished_at is null`,
  );
  await carryAll();
  assert.deepEqual(await idsIn('chain'), []);
});

test('a failed parent in history is retried after its failed child, and sees all of its children again', async () => {
  mended = false;
  const engine = h.engine(definitions);
  const { chainId } = await h.enqueueWith(definitions)(h.database, parent, {});
  await h.chainUntil(chainId, isState('failed'));
  await carryAll();
  assert.deepEqual(await idsIn('chain'), []);
  const [bad] = await h.database.query<{ id: string }>(
    `select id from chain_history where parent_id = $1 and state = 'failed'`,
    [chainId],
  );
  await assert.rejects(
    retryChain(h.database, chainId, 'anna'),
    new RegExp(`its children did: ${bad!.id}; retry these first`),
  );
  assert.deepEqual(await idsIn('chain'), []);
  mended = true;
  await retryChain(h.database, bad!.id, 'anna');
  await h.chainUntil(bad!.id, isState('succeeded'));
  await carryAll();
  await retryChain(h.database, chainId, 'anna');
  const row = await h.chainUntil(chainId, isState('succeeded'));
  assert.deepEqual(
    row.previous,
    [0, 1, 2].map((n) => ['succeeded', { n }]),
  );
  assert.deepEqual(await auditChains(h.database), []);
  await engine.stop(1_000);
});

test('movers and retries at once never leave a child in history while its parent is open', async () => {
  const families: string[][] = [];
  for (let n = 0; n < 60; n += 1) families.push(await family('failed', 'succeeded', 'succeeded', 'succeeded'));
  let ending = false;
  const move = async () => {
    while (!ending) await carryFinished(h.database, { ...atOnce, limit: 5 });
  };
  const apart = `
    select k.id from chain_history k join chain p on p.id = k.parent_id and p.join_token = k.parent_token
    where p.state not in ('succeeded', 'failed', 'cancelled')`;
  const retry = async () => {
    for (const [id, first] of families) {
      // a child that ran again and ended beside a parent that is in history
      await retryChain(h.database, id!, 'anna');
      assert.deepEqual(await h.database.query(apart), []);
      await h.database.query(
        `update chain set state = 'failed', finished_at = now() - interval '1 hour' where id = $1`,
        [id],
      );
      await replayChain(h.database, createRegistry([x]), first!, 'a', 'anna');
      await h.database.query(
        `update chain set state = 'succeeded', finished_at = now() - interval '1 hour' where id = $1`,
        [first],
      );
      await retryChain(h.database, id!, 'anna');
    }
  };
  await Promise.all([move(), move(), retry().finally(() => (ending = true))]);
  await carryAll();
  assert.deepEqual(await h.database.query(apart), []);
  assert.equal((await idsIn('chain')).length + (await idsIn('chain_history')).length, 240);
});
const x = chain('x', anyInput).step('a', async () => succeeded());

test('a child stays while somebody lets its parent begin again, wherever that is', async () => {
  const [id, first] = await family('failed', 'succeeded');
  await h.database.transaction(async (tx) => {
    await tx.query('select 1 from chain where id = $1 for no key update', [id]);
    assert.equal((await carryFinished(h.database, atOnce)).carried, 0);
  });
  await carryAll();
  await h.database.transaction((tx) => bringBack(tx, first!));
  await h.database.transaction(async (tx) => {
    await bringBack(tx, id!);
    assert.equal((await carryFinished(h.database, atOnce)).carried, 0);
  });
  await carryAll();
  assert.deepEqual(await idsIn('chain'), []);
});

test('children that may be past their retention are not silently left out: the retry says so, and a replay opens them anew', async () => {
  const [id] = await family('failed', 'succeeded');
  await carryAll();
  await h.database.query('delete from step_log');
  await assert.rejects(
    retryChain(h.database, id!, 'anna'),
    /waited for children, and these are not all kept any more; replay it/,
  );
  assert.deepEqual(await idsIn('chain'), []);
  await replayChain(h.database, createRegistry([x]), id!, 'a', 'anna');
  assert.deepEqual(await idsIn('chain'), [id]);
});

test('a chain in history is replayed from a step while its log is kept, and from the first one without', async () => {
  mended = true;
  const engine = h.engine(definitions);
  const { chainId } = await h.enqueueWith(definitions)(h.database, parent, {});
  await h.chainUntil(chainId, isState('succeeded'));
  await carryAll();
  assert.match((await why(h.database, chainId))!.sentence, /has ended: succeeded/);
  await replayChain(h.database, createRegistry(definitions), chainId, 'open', 'anna');
  const again = await h.chainUntil(chainId, isState('succeeded'));
  assert.equal(again.previous.length, 3);
  await carryAll();
  await h.database.query('delete from step_log');
  await assert.rejects(
    replayChain(h.database, createRegistry(definitions), chainId, 'open', 'anna'),
    /step begin has not succeeded, or its log is not kept any more; replay from begin or an earlier step/,
  );
  assert.ok((await idsIn('chain_history')).includes(chainId));
  await replayChain(h.database, createRegistry(definitions), chainId, 'begin', 'anna');
  await h.chainUntil(chainId, isState('succeeded'));
  await engine.stop(1_000);
});

test('a chain takes along the intents that mean nothing any more; that of the step that failed stays', async () => {
  const pay = chain('pay', anyInput)
    .step('one', async () => succeeded(), { effects: atMostOnce })
    .step('two', async ({ input }) => (input.fail ? failed('refused') : succeeded()), { effects: atMostOnce });
  const engine = h.engine([pay]);
  const enqueue = h.enqueueWith([pay]);
  const good = await enqueue(h.database, pay, {});
  const bad = await enqueue(h.database, pay, { fail: true });
  await h.chainUntil(good.chainId, isState('succeeded'));
  await h.chainUntil(bad.chainId, isState('failed'));
  await carryAll();
  const intents = await h.database.query('select chain_id, step from effect_intent');
  assert.deepEqual(intents, [{ chain_id: bad.chainId, step: 'two' }]);
  await assert.rejects(retryChain(h.database, bad.chainId, 'anna'), /it is not known whether step two/);
  await engine.stop(1_000);
});

test('children that stay are not looked at again with every batch, and go a minute after their parent has ended', async () => {
  let nowMs = 0;
  const mover = createMover(h.database, { keepMs: 0, batch: 10, nowMs: () => nowMs });
  const [id] = await family('ready', ...Array<string>(25).fill('succeeded'));
  const batches = async (n: number) => {
    const seen = [];
    for (let i = 0; i < n; i += 1) seen.push(Object.values(await mover.carry()));
    return seen;
  };
  assert.deepEqual(await batches(3), [
    [0, true],
    [0, true],
    [0, false],
  ]);
  await h.database.query(
    `update chain set state = 'succeeded', finished_at = now() - interval '1 minute' where id = $1`,
    [id],
  );
  await h.database.query(`insert into chain (name, step, state, traceparent, input, finished_at)
    values ('y', 'a', 'succeeded', 't', '{}', now() - interval '30 seconds')`);
  nowMs = 59_000;
  assert.deepEqual(await batches(2), [
    [2, false],
    [0, false],
  ]);
  nowMs = 60_000;
  assert.deepEqual(await batches(3), [
    [10, true],
    [10, true],
    [5, false],
  ]);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { cancelChain, retryChain } from '../../src/chains/commands.ts';
import { chain, child, failed, succeeded } from '../../src/chains/define.ts';
import { createRegistry } from '../../src/chains/registry.ts';
import { replayChain } from '../../src/chains/replay.ts';
import { why } from '../../src/chains/why.ts';
import { anyInput, type Harness, harness, isState, until } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

const leaf = chain('leaf', anyInput).step(
  'work',
  async ({ input }) => {
    if (input.end === 'failed') return failed('asked to fail');
    if (input.end === 'crash') throw new Error('asked to crash');
    return succeeded({ output: { n: input.n ?? null } });
  },
  { retry: { tries: 1 } },
);

const childrenOf = (parentId: string) =>
  h.database.query('select id, state, counted, reason, traceparent from chain where parent_id = $1 order by id', [
    parentId,
  ]);

test('a step opens children, the next one comes when all have ended and sees what they gave', async () => {
  const seen: unknown[] = [];
  const parent = chain('parent', anyInput)
    .step('open', async () =>
      succeeded({
        output: 'opened',
        commit: async (_tx, open) => open(child(leaf, { n: 1 }, { onChildFailure: 'fail', subject: 'first' })),
        children: [child('leaf', { n: 2 }, { onChildFailure: 'fail' })],
      }),
    )
    .step('join', async ({ children, previous }) => {
      for await (const one of children()) seen.push([one.chain, one.state, one.output]);
      return succeeded({ output: { previous } });
    });
  const engine = h.engine([parent, leaf]);
  const { chainId } = await h.enqueueWith([parent])(h.database, parent, {});
  const row = await h.chainUntil(chainId, isState('succeeded'));
  assert.deepEqual(row.previous, { previous: 'opened' });
  assert.deepEqual(seen, [
    ['leaf', 'succeeded', { n: 2 }],
    ['leaf', 'succeeded', { n: 1 }],
  ]);
  const traceOf = (traceparent: string) => traceparent.split('-')[1];
  for (const { traceparent } of await childrenOf(chainId)) assert.equal(traceOf(traceparent), traceOf(row.traceparent));
  await engine.stop(1_000);
});

test('a chain whose last step opens children ends with them; without any it goes on at once', async () => {
  const last = chain('last', anyInput).step('open', async ({ input }) =>
    succeeded({
      output: 'kept',
      children: Array.from({ length: Number(input.count) }, (_, n) => child(leaf, { n }, { onChildFailure: 'fail' })),
    }),
  );
  const engine = h.engine([last, leaf]);
  const enqueue = h.enqueueWith([last]);
  const ids = await Promise.all([0, 1, 300].map(async (count) => (await enqueue(h.database, last, { count })).chainId));
  for (const id of ids) assert.equal((await h.chainUntil(id, isState('succeeded'), 20_000)).previous, 'kept');
  assert.equal((await childrenOf(ids[2]!)).length, 300);
  const log = await h.database.query('select step, outcome from step_log where chain_id = $1 order by token', [ids[1]]);
  assert.deepEqual(log, [
    { step: 'open', outcome: 'succeeded' },
    { step: '.end', outcome: 'succeeded' },
  ]);
  assert.deepEqual(await auditChains(h.database, { boundMs: 0 }), []);
  await engine.stop(1_000);
});

const opening = (onChildFailure: 'fail' | 'ignore' | 'wait', end: string) =>
  chain(`opening-${onChildFailure}-${end}`, anyInput)
    .step('open', async () =>
      succeeded({ children: [child(leaf, { n: 1 }, { onChildFailure }), child(leaf, { end }, { onChildFailure })] }),
    )
    .step('after', async () => succeeded());

for (const end of ['failed', 'crash']) {
  test(`a child that ends so (${end}) fails its parent, is ignored or is waited for, as its parent said`, async () => {
    const [strict, loose, patient] = (['fail', 'ignore', 'wait'] as const).map((policy) => opening(policy, end));
    const engine = h.engine([strict!, loose!, patient!, leaf]);
    const enqueue = h.enqueueWith([strict!, loose!, patient!]);
    const open = async (definition: typeof strict) => (await enqueue(h.database, definition!, {})).chainId;
    const [strictId, looseId, patientId] = [await open(strict), await open(loose), await open(patient)];
    const failedRow = await h.chainUntil(strictId, isState('failed'));
    const [, bad] = await childrenOf(strictId);
    assert.match(failedRow.reason, new RegExp(`^a child of it failed: first chain ${bad!.id}, leaf, .*asked to`));
    await h.chainUntil(looseId, isState('succeeded'));
    const waits = await until(
      () => childrenOf(patientId),
      (rows) => rows[1]?.state === (end === 'failed' ? 'failed' : 'dead'),
    );
    assert.equal(waits[1]!.counted, false);
    assert.equal((await h.chainUntil(patientId, isState('children'))).pending, 1);
    const answer = await why(h.database, patientId);
    assert.match(answer!.sentence, new RegExp(`waits since .* for 1 of its children; chain ${waits[1]!.id} is`));
    assert.equal(answer!.clearsByItself, false);
    // a person decides: to go on without it, here
    await h.database.query(`update chain set input = '{}' where id = $1`, [waits[1]!.id]);
    await retryChain(h.database, waits[1]!.id, 'anna');
    await h.chainUntil(patientId, isState('succeeded'));
    await engine.stop(1_000);
  });
}

test('a counted child that is retried does not touch the join, and its parent is retried after it', async () => {
  const strict = opening('fail', 'crash');
  const engine = h.engine([strict, leaf]);
  const { chainId } = await h.enqueueWith([strict])(h.database, strict, {});
  await h.chainUntil(chainId, isState('failed'));
  const [, bad] = await childrenOf(chainId);
  await assert.rejects(
    retryChain(h.database, chainId, 'anna'),
    new RegExp(`chain ${chainId} failed because its children did: ${bad!.id}; retry these first`),
  );
  await h.database.query(`update chain set input = '{}' where id = $1`, [bad!.id]);
  await retryChain(h.database, bad!.id, 'anna');
  await h.chainUntil(bad!.id, isState('succeeded'));
  assert.equal((await h.chainUntil(chainId, isState('failed'))).pending, 0);
  await retryChain(h.database, chainId, 'anna');
  await h.chainUntil(chainId, isState('succeeded'));
  await engine.stop(1_000);
});

test('a cancelled parent takes its children along, level by level, and none of its parents waits for it', async () => {
  const hold = Promise.withResolvers<void>();
  const holding = chain('holding', anyInput).step('hold', async ({ signal }) => {
    await Promise.race([hold.promise, new Promise((_, reject) => signal.addEventListener('abort', reject))]);
    return succeeded();
  });
  const middle = chain('middle', anyInput).step('open', async () =>
    succeeded({ children: Array.from({ length: 20 }, () => child(holding, {}, { onChildFailure: 'wait' })) }),
  );
  const top = chain('top', anyInput).step('open', async () =>
    succeeded({
      children: [child(middle, {}, { onChildFailure: 'fail' }), child(middle, {}, { onChildFailure: 'fail' })],
    }),
  );
  const engine = h.engine([top, middle, holding]);
  const { chainId } = await h.enqueueWith([top])(h.database, top, {});
  await until(
    () => h.database.query(`select count(*)::int as n from chain where name = 'holding'`),
    (rows) => rows[0]!.n === 40,
  );
  const [oneMiddle, otherMiddle] = await childrenOf(chainId);
  await cancelChain(h.database, oneMiddle!.id, 'anna', 'half of it');
  await until(
    () => childrenOf(oneMiddle!.id),
    (rows) => rows.every(({ state }) => state === 'cancelled'),
  );
  assert.equal((await h.chainUntil(chainId, isState('children'))).pending, 1);
  await cancelChain(h.database, chainId, 'anna', 'all of it');
  const open = () =>
    h.database.query(`select id from chain where name in ('top', 'middle', 'holding') and finished_at is null`);
  await until(open, (rows) => rows.length === 0);
  await until(
    () => h.database.query('select * from abandoned_join'),
    (rows) => rows.length === 0,
  );
  const [grandchild] = await h.database.query(`select reason, reason_by from chain where parent_id = $1 limit 1`, [
    otherMiddle!.id,
  ]);
  assert.match(grandchild!.reason, new RegExp(`its parent, chain ${chainId}, was cancelled: all of it`));
  assert.equal(grandchild!.reason_by, 'anna');
  await engine.stop(1_000);
});

test('a replay begins again at a step with its input, cancels the old children and waits only for the new ones', async () => {
  let rounds = 0;
  const hold = Promise.withResolvers<void>();
  const slow = chain('slow', anyInput).step('hold', async ({ input }) => {
    if (input.round === 1) await hold.promise;
    return succeeded({ output: input.round });
  });
  const again = chain('again', anyInput)
    .step('first', async () => succeeded({ output: 'of first' }))
    .step('open', async ({ previous }) => {
      rounds += 1;
      return succeeded({ output: previous, children: [child(slow, { round: rounds }, { onChildFailure: 'fail' })] });
    })
    .step('sum', async ({ children, previous }) => {
      const got: unknown[] = [previous];
      for await (const { output } of children()) got.push(output);
      return succeeded({ output: got as string[] });
    });
  const engine = h.engine([again, slow]);
  const registry = createRegistry([again, slow]);
  const { chainId } = await h.enqueueWith([again])(h.database, again, { some: 'input' });
  await until(
    () => childrenOf(chainId),
    (rows) => rows[0]?.state === 'running',
  );
  await assert.rejects(replayChain(h.database, registry, chainId, 'nowhere', 'anna'), /its steps are first, open, sum/);
  await assert.rejects(replayChain(h.database, registry, '999999', 'sum', 'anna'), /no chain 999999/);
  await replayChain(h.database, registry, chainId, 'sum', 'anna');
  await h.chainUntil(chainId, isState('succeeded'));
  await replayChain(h.database, registry, chainId, 'open', 'anna');
  const row = await h.chainUntil(chainId, isState('succeeded'));
  assert.deepEqual(row.previous, ['of first', 2]);
  hold.resolve();
  const [old, fresh] = await until(
    () => childrenOf(chainId),
    (rows) => rows.every(({ state }) => state !== 'running'),
  );
  assert.deepEqual([old!.state, fresh!.state], ['cancelled', 'succeeded']);
  assert.deepEqual(row.input, { some: 'input' });
  const [audit] = await h.database.query(
    `select actor, detail from audit where action = 'chain replay' order by id desc limit 1`,
  );
  assert.deepEqual(audit, { actor: 'anna', detail: { at: 'sum', was: 'succeeded', from: 'open' } });
  await engine.stop(1_000);
});

test('what cannot be a child is refused with the step named, and nothing is written', async () => {
  const bad = chain('bad', anyInput).step(
    'open',
    async ({ input }) => {
      if (input.kind === 'unknown') return succeeded({ children: [child('nobody', {}, { onChildFailure: 'fail' })] });
      if (input.kind === 'policy')
        return succeeded({ children: [{ chain: leaf as never, input: {}, onChildFailure: 'maybe' as never }] });
      if (input.kind === 'late')
        return succeeded({
          commit: async (_tx, open) => void setTimeout(() => open(child(leaf, {}, { onChildFailure: 'fail' })), 1),
        });
      return succeeded({ children: [child(bad, { kind: 'self' }, { onChildFailure: 'fail' })] });
    },
    { retry: { tries: 1 } },
  );
  const engine = h.engine([bad, leaf]);
  const enqueue = h.enqueueWith([bad]);
  const reasonOf = async (kind: string) =>
    (await h.chainUntil((await enqueue(h.database, bad, { kind })).chainId, isState('dead'))).reason;
  assert.match(await reasonOf('unknown'), /no chain is named nobody; known: bad, leaf/);
  assert.match(
    await reasonOf('policy'),
    /step open of chain bad opens a child with onChildFailure maybe; say fail, ignore or wait/,
  );
  const { chainId } = await enqueue(h.database, bad, { kind: 'self' });
  await h.chainUntil(chainId, isState('failed'), 20_000);
  const [deepest] = await h.database.query(`select max(depth)::int as depth from chain where name = 'bad'`);
  assert.equal(deepest!.depth, 16);
  const [dead] = await h.database.query(`select reason from chain where name = 'bad' and depth = 16`);
  assert.match(dead!.reason, /opens children 17 levels deep; the limit is 16/);
  await engine.stop(1_000);
});

test('a chain that opens itself without end is refused at the door, with a delay it may', async () => {
  const enqueue = h.enqueueWith([]);
  const endless: ReturnType<typeof chain<Record<string, never>>> = chain('endless', anyInput).step(
    'again',
    async ({ input }) => succeeded({ commit: async (tx) => void (await enqueue(tx, endless, input as never)) }),
    { retry: { tries: 1 } },
  ) as never;
  const engine = h.engine([endless]);
  const { chainId } = await enqueue(h.database, endless, {});
  await h.database.query('update chain set generation = 998 where id = $1', [chainId]);
  const [dead] = await until(
    () => h.database.query(`select generation, reason from chain where name = 'endless' and state = 'dead'`),
    (rows) => rows.length === 1,
  );
  assert.equal(dead!.generation, 1_000);
  assert.match(dead!.reason, /as number 1001 of a row in which each opened the next at once; give it a runAt/);
  await engine.stop(1_000);
});

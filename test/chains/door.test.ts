import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { auditChains } from '../../src/chains/audit.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import { countChains, listChains } from '../../src/chains/queries.ts';
import { why } from '../../src/chains/why.ts';
import { anyInput, type Harness, harness, isState, until } from './harness.ts';

const strict = chain('strict', z.object({ customer: z.string(), force: z.boolean().default(false) })).step(
  'only',
  async ({ input }) => succeeded({ output: input }),
);
const loose = chain('loose', anyInput).step('only', async () => succeeded());
const both = [strict, loose];

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

test('bad input is refused at the door with its field, and no row is written', async () => {
  const enqueue = h.enqueueWith(both);
  await assert.rejects(
    enqueue(h.database, 'strict', { customer: 7 }),
    /chain strict refuses its input: customer: .*string/,
  );
  await assert.rejects(enqueue(h.database, loose, { a: 'x\u0000' }), /input of chain loose\.a contains a NUL/);
  await assert.rejects(enqueue(h.database, loose, { '\udc00': 1 }), /lone surrogate/);
  await assert.rejects(enqueue(h.database, loose, { a: 'x'.repeat(300_000) }), /the limit is 262144/);
  await assert.rejects(enqueue(h.database, 'lose', {}), /no chain is named lose; known: strict, loose/);
  assert.deepEqual(await countChains(h.database), {});
});

test("enqueue in a caller's transaction is there if and only if that commits, and the schema's defaults are stored", async () => {
  const enqueue = h.enqueueWith(both);
  await assert.rejects(
    h.database.transaction(async (tx) => {
      await enqueue(tx, loose, {});
      throw new Error('no');
    }),
  );
  assert.deepEqual(await countChains(h.database), {});
  const { chainId } = await h.database.transaction((tx) => enqueue(tx, 'strict', { customer: 'C001' }));
  const engine = h.engine(both);
  const row = await h.chainUntil(chainId, isState('succeeded')); // nothing signalled it: the sweep
  assert.deepEqual(row.previous, { customer: 'C001', force: false });
  await engine.stop(1_000);
});

test('of many callers with one unique key exactly one makes a chain, and all get its id', async () => {
  const enqueue = h.enqueueWith(both);
  const later = new Date(Date.now() + 3_600_000);
  const all = await Promise.all(
    Array.from({ length: 8 }, () => enqueue(h.database, loose, {}, { uniqueKey: 'one', runAt: later })),
  );
  assert.equal(new Set(all.map((one) => one.chainId)).size, 1);
  assert.equal(all.filter((one) => one.created).length, 1);
});

test('higher priorities are claimed first, and low ones do not starve', async () => {
  const order: string[] = [];
  const noted = chain('noted', anyInput).step('note', async ({ input }) => {
    order.push(String((input as { p: string }).p));
    return succeeded();
  });
  const enqueue = h.enqueueWith([noted]);
  for (const p of ['low', 'normal', 'high', 'critical'] as const)
    await enqueue(h.database, noted, { p }, { priority: p });
  for (let i = 0; i < 40; i += 1) await enqueue(h.database, noted, { p: 'critical' }, { priority: 'critical' });
  const engine = h.engine([noted], { lanes: 1 });
  await until(
    async () => order,
    (seen) => seen.length === 44,
  );
  assert.equal(order[0], 'critical');
  assert.ok(order.indexOf('low') < 40, `low came as number ${order.indexOf('low') + 1}`);
  await engine.stop(1_000);
});

test('a chain of a release that is not here is blocked and visible, and goes on when one that knows it starts', async () => {
  const late = chain('late', anyInput).step('first', async () => succeeded());
  const { chainId } = await h.enqueueWith(both)(h.database, 'late', {}, { unknown: 'block' });
  const known = await h.enqueueWith([late])(h.database, late, {});
  const engine = h.engine(both, { unknownAfterMs: 50 });
  const row = await h.chainUntil(known.chainId, isState('blocked'));
  assert.match(row.reason, /does not know chain late version 1/);
  const told = (await why(h.database, chainId))!;
  assert.match(told.sentence, /is blocked since .*defines no chain named late.*deploy that release or cancel it/);
  assert.equal(told.clearsByItself, false);
  await engine.stop(1_000);
  const next = h.engine([late]);
  await h.chainUntil(chainId, isState('succeeded'));
  await h.chainUntil(known.chainId, isState('succeeded'));
  await next.stop(1_000);
});

test('a progress report of a running step is seen live', async () => {
  const gate = Promise.withResolvers<void>();
  const slow = chain('slow', anyInput).step('import', async ({ progress }) => {
    progress(3, 9, 'files');
    await gate.promise;
    return succeeded();
  });
  const engine = h.engine([slow]);
  const { chainId } = await h.enqueueWith([slow])(h.database, slow, {}, { subject: 'C001/KPN_SP16' });
  const [running] = await until(
    async () => engine.running(),
    (runs) => runs[0]?.done === 3,
  );
  assert.deepEqual(
    { ...running, runningForMs: 0 },
    {
      ...{ chainId, chain: 'slow', step: 'import', subject: 'C001/KPN_SP16', attempt: 1, phase: 'handling' },
      ...{ runningForMs: 0, done: 3, total: 9, unit: 'files' },
    },
  );
  assert.match((await why(h.database, chainId))!.sentence, /is running step import \(attempt 1\) on test/);
  gate.resolve();
  await h.chainUntil(chainId, isState('succeeded'));
  await engine.stop(1_000);
});

test('the list filters by name, state, subject and page', async () => {
  assert.equal((await listChains(h.database, { subject: 'C001/KPN_SP16' })).length, 1);
  const page = await listChains(h.database, { states: ['succeeded'], limit: 2 });
  const next = await listChains(h.database, { states: ['succeeded'], limit: 2, before: page[1]!.id });
  assert.ok(BigInt(next[0]!.id) < BigInt(page[1]!.id));
});

for (const [what, sql, finding] of [
  ['a timer that nobody wakes', `state = 'timer', run_at = now() - interval '1 minute'`, 'timer past due'],
  ['a row that is running without a node', `state = 'running', owner = gen_random_uuid()`, 'running without a node'],
  ['a dead chain of which nobody said why', `state = 'dead', reason = null`, 'dead without a reason'],
] as const) {
  test(`the audit counts ${what}`, async () => {
    const { chainId } = await h.enqueueWith(both)(h.database, loose, {}, { runAt: new Date(Date.now() + 3_600_000) });
    await h.database.query(`update chain set ${sql} where id = $1`, [chainId]);
    assert.deepEqual(await auditChains(h.database), [{ finding, chains: 1, chainIds: [chainId] }]);
    await h.database.query(`update chain set state = 'cancelled' where id = $1`, [chainId]);
    assert.deepEqual(await auditChains(h.database), []);
  });
}

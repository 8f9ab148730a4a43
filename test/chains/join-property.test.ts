/**
 * Random trees of chains on three nodes, with random failures, retries, cancels and replays: at every look a waiting parent's
 * `pending` is the number of its children that have not counted, and in the end everything has ended.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { ChainCommandError, cancelChain, retryChain } from '../../src/chains/commands.ts';
import { chain, child, type Json, type OnChildFailure, succeeded } from '../../src/chains/define.ts';
import { createRegistry } from '../../src/chains/registry.ts';
import { replayChain } from '../../src/chains/replay.ts';
import { anyInput, type Harness, harness } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

/** Small, seeded and printed: mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Tree = { readonly crash: boolean; readonly policy: OnChildFailure; readonly children: Tree[] };

function anyTree(random: () => number, depth: number): Tree {
  const policy = (['fail', 'ignore', 'wait'] as const)[Math.floor(random() * 3)]!;
  const count = depth === 0 ? 0 : Math.floor(random() * 5);
  return {
    crash: random() < 0.15,
    policy,
    children: Array.from({ length: count }, () => anyTree(random, depth - 1)),
  };
}

const wrong = `
  select p.id, p.pending, count(k.id) filter (where not k.counted)::int as uncounted
  from chain p left join chain k on k.parent_id = p.id and k.parent_token = p.join_token
  where p.join_token is not null
  group by p.id, p.pending having p.pending <> count(k.id) filter (where not k.counted)`;

test('pending is the number of uncounted children after every commit, whatever is retried, cancelled and replayed', async () => {
  const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
  const random = seeded(seed);
  let calm = false;
  const node = chain('node', anyInput)
    .step(
      'open',
      async ({ input }) => {
        const { crash, children } = input as unknown as Tree;
        if (crash && !calm) throw new Error('as the tree says');
        return succeeded({
          children: children.map((one) => child('node', one as unknown as Json, { onChildFailure: one.policy })),
        });
      },
      { retry: { tries: 1 } },
    )
    .step('after', async () => succeeded());
  const engines = [1, 2, 3].map(() => h.engine([node], { lanes: 8, leaseMs: 6_000, beatMs: 500 }));
  const registry = createRegistry([node]);
  const enqueue = h.enqueueWith([node]);
  const trees = Array.from({ length: 12 }, () => anyTree(random, 3));
  await Promise.all(trees.map((tree) => enqueue(h.database, node, { ...tree, crash: false } as never)));
  let done = 0;
  for (let deed = 0; deed < 120; deed += 1) {
    assert.deepEqual(await h.database.query(wrong), [], `seed ${seed}`);
    const ids = await h.database.query<{ id: string }>('select id from chain order by id');
    const { id } = ids[Math.floor(random() * ids.length)]!;
    const what = random();
    try {
      if (what < 0.45) await retryChain(h.database, id, 'anna');
      else if (what < 0.7) await cancelChain(h.database, id, 'anna');
      else await replayChain(h.database, registry, id, random() < 0.5 ? 'open' : 'after', 'anna');
      done += 1;
    } catch (error) {
      assert.ok(error instanceof ChainCommandError, String(error));
    }
  }
  assert.ok(done > 20, `only ${done} of 120 deeds could be done`);
  calm = true;
  const beganMs = performance.now();
  for (;;) {
    assert.deepEqual(await h.database.query(wrong), [], `seed ${seed}`);
    const open = await h.database.query<{ id: string; state: string }>(
      `select id, state from chain where state not in ('succeeded', 'failed', 'cancelled')`,
    );
    if (open.length === 0) break;
    assert.ok(performance.now() - beganMs < 30_000, `seed ${seed}: still open: ${JSON.stringify(open.slice(0, 20))}`);
    // what waits for a person gets one: the youngest first, as parents wait for children
    for (const { id, state } of open.toReversed()) {
      if (state !== 'dead') continue;
      await retryChain(h.database, id, 'anna').catch((error: unknown) => assert.ok(error instanceof ChainCommandError));
    }
    const stuck = await h.database.query<{ id: string }>(
      `select k.id from chain p join chain k on k.parent_id = p.id and k.parent_token = p.join_token
       where p.state = 'children' and not k.counted and k.state = 'failed' order by k.id desc`,
    );
    for (const { id } of stuck) {
      await replayChain(h.database, registry, id, 'open', 'anna').catch((error: unknown) =>
        assert.ok(error instanceof ChainCommandError),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(await auditChains(h.database, { boundMs: 0 }), []);
  assert.deepEqual(await h.database.query('select * from abandoned_join'), []);
  for (const engine of engines) await engine.stop(1_000);
});

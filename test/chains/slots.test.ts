import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { cancelChain } from '../../src/chains/commands.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import { endPause, setPause } from '../../src/chains/pause.ts';
import { why } from '../../src/chains/why.ts';
import { anyInput, effect, type Harness, harness, isState, until } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

/** Counts who is inside at once, by key. */
function gauge() {
  const inside = new Map<string, number>();
  const most = new Map<string, number>();
  return {
    most,
    async visit(key: string): Promise<void> {
      const now = (inside.get(key) ?? 0) + 1;
      inside.set(key, now);
      most.set(key, Math.max(now, most.get(key) ?? 0));
      await new Promise((resolve) => setTimeout(resolve, 3));
      inside.set(key, now - 1 + ((inside.get(key) ?? now) - now));
    },
  };
}

const slots = () => h.database.query('select key, slot, chain_id from chain_slot order by key, slot');
const openOf = (name: string) =>
  h.database.query(`select id from chain where name = $1 and finished_at is null`, [name]);

test('on three nodes at once, never more chains run with a key than its limit, and all of them run', async () => {
  const { most, visit } = gauge();
  const keyed = chain('keyed', anyInput)
    .step('free', async () => succeeded())
    .step(
      'one-by-one',
      async ({ input }) => {
        await visit(String(input.key));
        return succeeded();
      },
      { concurrency: { key: ({ key }) => String(key) } },
    )
    .step('two-by-two', effect('two-by-two'), { concurrency: { key: ({ key }) => `two-${String(key)}`, limit: 2 } });
  const engines = [1, 2, 3].map(() => h.engine([keyed], { lanes: 8 }));
  const enqueue = h.enqueueWith([keyed]);
  for (let n = 0; n < 90; n += 1) await enqueue(h.database, keyed, { key: `k${n % 3}` });
  let mostSlots = 0;
  await until(
    async () => {
      const held = await h.database.query<{ n: number }>(
        `select count(*)::int as n from chain_slot where key like 'two-%' group by key`,
      );
      mostSlots = Math.max(mostSlots, ...held.map(({ n }) => n));
      return openOf('keyed');
    },
    (rows) => rows.length === 0,
    30_000,
  );
  assert.deepEqual([...most.values()], [1, 1, 1]);
  assert.ok(mostSlots <= 2, `${mostSlots} slots of a key with the limit 2`);
  assert.deepEqual(await slots(), []);
  assert.deepEqual(await auditChains(h.database, { boundMs: 0 }), []);
  const [effects] = await h.database.query(`select count(*)::int as n from effect where step = 'two-by-two'`);
  assert.equal(effects!.n, 90);
  for (const engine of engines) await engine.stop(1_000);
});

test('who waits for a slot says so, and goes on when the holder is cancelled, crashes or is paused away', async () => {
  const entered: string[] = [];
  const holder = chain('holder', anyInput).step(
    'hold',
    async ({ chainId, signal, attempt, input }) => {
      entered.push(chainId);
      if (input.crash === true && attempt === 1) throw new Error('as asked');
      if (input.pass === true) return succeeded();
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      return succeeded();
    },
    { concurrency: { key: () => 'the-one' }, retry: { delayMs: 60_000, capMs: 60_000 } },
  );
  const engine = h.engine([holder], { random: () => 0.999 });
  const enqueue = h.enqueueWith([holder]);
  const open = async (input: Record<string, boolean>) => (await enqueue(h.database, holder, input)).chainId;
  const first = await open({});
  await h.chainUntil(first, isState('running'));
  const second = await open({ crash: true });
  const third = await open({ pass: true });
  const answer = await why(h.database, third);
  assert.match(
    answer!.sentence,
    new RegExp(`for a slot of its concurrency key at step hold, which chain ${first} has; it starts by itself`),
  );
  await cancelChain(h.database, first, 'anna');
  await h.chainUntil(second, isState('timer'));
  await h.chainUntil(third, isState('succeeded'));
  assert.deepEqual(entered, [first, second, third]);
  assert.deepEqual(await slots(), []);

  const scopes = { chains: ['holder'], providers: [] };
  await setPause(h.database, scopes, { scope: 'chain:holder', by: 'anna', why: 'look', until: null });
  const fourth = await open({ pass: true });
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal((await h.chainUntil(fourth, () => true)).state, 'concurrency');
  await endPause(h.database, 'chain:holder');
  await h.chainUntil(fourth, isState('succeeded'));
  await cancelChain(h.database, second, 'anna');
  await engine.stop(1_000);
});

test('the slot of a node that died is free again with its chain', async () => {
  const stuck = chain('stuck', anyInput).step(
    'hold',
    async ({ attempt }) => {
      if (attempt === 1) await new Promise(() => {});
      return succeeded();
    },
    { concurrency: { key: () => 'stuck' } },
  );
  const { chainId } = await h.enqueueWith([stuck])(h.database, stuck, {});
  // a node that claimed it and is gone
  await h.database.query(
    `insert into node (id, host, pid, release, state) values (gen_random_uuid(), 'x', 1, '0', 'dead')`,
  );
  await h.database.query(
    `with n as (select id from node where host = 'x')
     update chain set state = 'running', owner = n.id, token = token + 1, started_token = token + 1, attempt = 1
     from n where chain.id = $1`,
    [chainId],
  );
  await h.database.query(`insert into chain_slot (key, slot, chain_id) values ('stuck', 1, $1)`, [chainId]);
  const engine = h.engine([stuck]);
  await h.chainUntil(chainId, isState('succeeded'));
  assert.deepEqual(await slots(), []);
  await engine.stop(1_000);
});

test('a row of an older release, without the key that its step has now, gets it before it runs', async () => {
  const { most, visit } = gauge();
  const late = chain('late', anyInput).step(
    'only',
    async () => {
      await visit('late');
      return succeeded();
    },
    { concurrency: { key: () => 'late' } },
  );
  await h.database.query(
    `insert into chain (name, step, traceparent, input) select 'late', 'only', '00-${'1'.repeat(32)}-${'2'.repeat(16)}-01', '{}' from generate_series(1, 10)`,
  );
  const engine = h.engine([late], { lanes: 8 });
  await until(
    () => openOf('late'),
    (rows) => rows.length === 0,
  );
  assert.deepEqual([...most], [['late', 1]]);
  const [attempts] = await h.database.query(
    `select max(l.attempt)::int as most from step_log l join chain c on c.id = l.chain_id where c.name = 'late' and outcome = 'succeeded'`,
  );
  assert.equal(attempts!.most, 1);
  await engine.stop(1_000);
});

test('a key that is none is refused: at the door, or as a crash that names the step', async () => {
  const odd = chain('odd', anyInput)
    .step('first', async () => succeeded(), { concurrency: { key: ({ key }) => (key as string).trim() } })
    .step('second', async () => succeeded(), { concurrency: { key: () => '' }, retry: { tries: 1 } });
  assert.throws(
    () => chain('none', anyInput).step('x', async () => succeeded(), { concurrency: { key: () => 'k', limit: 0 } }),
    /limit 0 must be a whole number from 1 to 1,000/,
  );
  const enqueue = h.enqueueWith([odd]);
  await assert.rejects(enqueue(h.database, odd, {}), /concurrency key of step first of chain odd threw/);
  const engine = h.engine([odd]);
  const { chainId } = await enqueue(h.database, odd, { key: 'k' });
  const row = await h.chainUntil(chainId, (seen) => seen.state !== 'running' && seen.state !== 'concurrency');
  assert.match(
    row.reason,
    /concurrency key of step second of chain odd must be a text of 1 to 200 characters; it is one of 0 characters/,
  );
  await engine.stop(1_000);
});

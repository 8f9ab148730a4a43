import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chain, child, rejected, succeeded } from '../../src/chains/define.ts';
import { anyInput, type Harness, harness, isState } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
  await h.database.query('create table came (chain_id bigint, far int)');
});
after(() => h.close());

test('a step that is rejected keeps how far it came, and goes on from there', async () => {
  const far = 'select far from came where chain_id = $1';
  const pages = chain('pages', anyInput).step(
    'fetch',
    async ({ read, chainId }) => {
      const [row] = await read.query<{ far: number }>(far, [chainId]);
      const at = (row?.far ?? 0) + 1;
      if (at === 4) return succeeded({ output: at });
      return rejected(`page ${at} is held up`, {
        afterMs: 0,
        commit: async (tx) => {
          await tx.query('delete from came where chain_id = $1', [chainId]);
          await tx.query('insert into came values ($1, $2)', [chainId, at]);
        },
      });
    },
    // long enough for no try of its own, too short for three without progress
    { giveUpAfterMs: 0, retry: { tries: 1 } },
  );
  const engine = h.engine([pages]);
  const { chainId } = await h.enqueueWith([pages])(h.database, pages, {});
  const row = await h.chainUntil(chainId, isState('succeeded', 'dead'));
  assert.deepEqual([row.state, row.previous], ['succeeded', 4]);
  const log = await h.database.query('select outcome, attempt from step_log where chain_id = $1 order by at', [
    chainId,
  ]);
  assert.deepEqual(
    log.map(({ outcome, attempt }) => `${outcome} ${attempt}`),
    ['rejected 1', 'rejected 1', 'rejected 1', 'succeeded 1'],
  );
  await engine.stop(1_000);
});

test('what a rejection wanted to keep and could not is a crash of the step, and a child that dies of it ends its parent', async () => {
  const broken = chain('broken', anyInput).step(
    'fetch',
    async () => rejected('later', { afterMs: 0, commit: async (tx) => void (await tx.query('select 1 / 0')) }),
    { retry: { tries: 1 } },
  );
  const parent = chain('broken-parent', anyInput).step('open', async () =>
    succeeded({ children: [child(broken, {}, { onChildFailure: 'fail' })] }),
  );
  const engine = h.engine([broken, parent]);
  const { chainId } = await h.enqueueWith([broken, parent])(h.database, parent, {});
  const row = await h.chainUntil(chainId, isState('failed', 'succeeded'));
  assert.equal(row.state, 'failed');
  assert.match(row.reason as string, /division by zero/);
  await engine.stop(1_000);
});

test('a rejection opens no children', async () => {
  const greedy = chain('greedy', anyInput).step(
    'fetch',
    async () =>
      rejected('later', { commit: async (_tx, open) => open(child('greedy', {}, { onChildFailure: 'ignore' })) }),
    { retry: { tries: 1 } },
  );
  const engine = h.engine([greedy]);
  const { chainId } = await h.enqueueWith([greedy])(h.database, greedy, {});
  const row = await h.chainUntil(chainId, isState('dead'));
  assert.match(row.reason as string, /was rejected and its commit opened children/);
  const [{ count }] = (await h.database.query(`select count(*)::int from chain where name = 'greedy'`)) as [
    { count: number },
  ];
  assert.equal(count, 1);
  await engine.stop(1_000);
});

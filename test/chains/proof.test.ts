/** Proof of work: a row of the node's own through the real claim, completion and commit, or no proof. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { chain, succeeded } from '../../src/chains/define.ts';
import { anyInput, harness, until } from './harness.ts';

const h = await harness();
after(() => h.close());

const proofs = async () =>
  (await h.database.query<{ node: string }>(`select node from step_log where step = 'prove' and outcome = 'succeeded'`))
    .length;
const leftovers = async () => (await h.database.query(`select 1 from chain where name like 'node-proof%'`)).length;

test('a node whose lanes are all busy, with urgent work waiting, still proves itself and leaves no row', async () => {
  const release = Promise.withResolvers<void>();
  const slow = chain('slow', anyInput).step('wait', async () => {
    await release.promise;
    return succeeded();
  });
  const engine = h.engine([slow], { lanes: 1, proofMs: 20 });
  for (let count = 0; count < 3; count += 1) {
    await h.database.transaction((tx) => h.enqueueWith([slow])(tx, 'slow', {}, { priority: 'critical' }));
  }
  await until(
    async () => engine.status().busy,
    (busy) => busy === 1,
  );
  const before = await proofs();
  await until(proofs, (count) => count >= before + 3);
  assert.equal(engine.status().busy, 1, 'the lane was busy all the time');
  assert.equal(await leftovers(), 0);
  release.resolve();
  await engine.stop(5_000);
});

test('no proof while nothing can be claimed, and one again as soon as it can', async () => {
  const engine = h.engine([], { proofMs: 20 });
  await until(
    async () => engine.status().provenMsAgo,
    (ago) => ago !== null,
  );
  await h.database.transaction(async (tx) => {
    await tx.query('lock table chain in share row exclusive mode');
    const before = await proofs();
    // the beat needs no chain: a node that is alive and gets nothing done
    await until(
      async () => engine.status(),
      ({ provenMsAgo, beatMsAgo }) => provenMsAgo! > 400 && beatMsAgo! < 200,
    );
    assert.equal(await proofs(), before);
  });
  await until(
    async () => engine.status().provenMsAgo!,
    (ago) => ago < 200,
  );
  assert.equal(await leftovers(), 0);
});

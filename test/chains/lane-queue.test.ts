import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import { createLaneQueue } from '../../src/chains/lane-queue.ts';
import { anyInput, type Harness, harness, isState } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

test('while handlers are quick there is room for more than there are lanes, and none any more once they stall', async () => {
  let now = 0;
  const queue = createLaneQueue({ count: 2, nowMs: () => now, onFree() {} });
  assert.equal(queue.room(), 2);
  for (let done = 0; done < 100; done += 1) {
    assert.equal(await queue.enter(), true);
    queue.leave(0.1);
  }
  assert.equal(queue.room(), 16);
  await queue.enter();
  await queue.enter();
  void queue.enter();
  assert.equal(queue.room(), 13, 'what handles and what waits takes of it');
  now += 30;
  assert.equal(queue.room(), -1, 'nothing has returned for a while');
  queue.leave(30);
  assert.equal(queue.room(), 0, 'one slow handler outweighs many quick ones');
  queue.leave(30);
  queue.leave(30);
});

test('a chain that finds no lane for its next step goes on at another node, with its attempt', async () => {
  const begun = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const two = chain('two-steps', anyInput)
    .step('first', async () =>
      // the other chain has the lane before this step is committed
      succeeded({ commit: async () => begun.promise }),
    )
    .step('second', async () => succeeded());
  const long = chain('long-step', anyInput).step('long', async () => {
    begun.resolve();
    await over.promise;
    return succeeded();
  });
  const definitions = [two, long];
  const enqueue = h.enqueueWith(definitions);
  const mine = await enqueue(h.database, two, {}, { priority: 'critical' });
  const other = await enqueue(h.database, long, {});
  const full = h.engine(definitions, { lanes: 1 });
  await h.chainUntil(other.chainId, isState('running'));
  const idle = h.engine([two], { lanes: 1 });
  const row = await h.chainUntil(mine.chainId, isState('succeeded'));
  assert.equal(row.attempt, 1);
  const log = await h.database.query('select outcome, reason from step_log where chain_id = $1 order by token', [
    mine.chainId,
  ]);
  assert.deepEqual(
    log.map(({ outcome }) => outcome),
    ['succeeded', 'released', 'succeeded'],
  );
  assert.equal(log[1]!.reason, 'no lane was free for it here');
  over.resolve();
  await h.chainUntil(other.chainId, isState('succeeded'));
  await Promise.all([full.stop(1_000), idle.stop(1_000)]);
  assert.deepEqual(await auditChains(h.database), []);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { cancelChain, retryChain } from '../../src/chains/commands.ts';
import { chain, rejected, succeeded } from '../../src/chains/define.ts';
import { showChain } from '../../src/chains/queries.ts';
import { anyInput, effect, type Harness, harness, isState, until } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

test('of two engines the one whose chain was taken away writes nothing', async () => {
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const contested = chain('contested', anyInput).step('write', async (context) => {
    runs += 1;
    if (runs === 1) await gate.promise;
    return effect('write')(context);
  });
  const lost: string[] = [];
  const log = { info() {}, error() {}, warn: (_fields: unknown, message: string) => void lost.push(message) };
  // its beats are far apart, so that it does not notice by itself
  const first = h.engine([contested], { log, beatMs: 60_000, leaseMs: 60_000 });
  const { chainId } = await h.enqueueWith([contested])(h.database, contested, {});
  await h.chainUntil(chainId, isState('running'));
  await h.database.query(`update node set state = 'dead' where id = $1`, [first.status().bootId]);
  const second = h.engine([contested]);
  await h.chainUntil(chainId, isState('succeeded'));
  gate.resolve();
  await until(
    async () => lost,
    (messages) => messages.some((message) => /dropped/.test(message)),
  );
  const detail = (await showChain(h.database, chainId))!;
  assert.deepEqual(
    detail.log.map((row) => row.outcome),
    ['recovered', 'succeeded'],
  );
  assert.equal((await h.database.query('select 1 from effect where chain_id = $1', [chainId])).length, 1);
  await Promise.all([first.stop(0), second.stop(0)]);
});

test('a node that finds itself declared dead aborts what it runs and goes on under a new boot id', async () => {
  const reasons: unknown[] = [];
  let runs = 0;
  const long = chain('long', anyInput).step('wait', async ({ signal }) => {
    runs += 1;
    if (runs > 1) return succeeded();
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    reasons.push(signal.reason);
    return succeeded();
  });
  const engine = h.engine([long]);
  const { chainId } = await h.enqueueWith([long])(h.database, long, {});
  await h.chainUntil(chainId, isState('running'));
  const bootId = engine.status().bootId;
  await h.database.query(`update node set state = 'dead' where id = $1`, [bootId]);
  await h.chainUntil(chainId, isState('succeeded'));
  assert.equal(reasons.length, 1);
  assert.notEqual(engine.status().bootId, bootId);
  await engine.stop(1_000);
});

test('a chain can be cancelled in every open state, and only once', async () => {
  const aborted = Promise.withResolvers<void>();
  const slow = chain('slow', anyInput).step('wait', async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    aborted.resolve();
    return succeeded();
  });
  const waiting = chain('waiting', anyInput).step('ask', async () => rejected('later', { afterMs: 600_000 }));
  const crashing = chain('crashing', anyInput).step(
    'boom',
    async () => {
      throw new Error('boom');
    },
    { retry: { tries: 1 } },
  );
  const all = [slow, waiting, crashing];
  const enqueue = h.enqueueWith(all);
  const ready = await enqueue(h.database, slow, {});
  await cancelChain(h.database, ready.chainId, 'anna');
  const blocked = await enqueue(h.database, 'not-there-yet', {}, { unknown: 'block' });
  const engine = h.engine(all);
  const running = await enqueue(h.database, slow, {});
  const timer = await enqueue(h.database, waiting, {});
  const dead = await enqueue(h.database, crashing, {});
  await h.chainUntil(running.chainId, isState('running'));
  await h.chainUntil(timer.chainId, isState('timer'));
  await h.chainUntil(dead.chainId, isState('dead'));
  for (const { chainId } of [blocked, running, timer, dead]) await cancelChain(h.database, chainId, 'anna', 'typo');
  await aborted.promise; // by the next beat, without any signal
  await engine.stop(1_000);
  for (const { chainId } of [ready, blocked, running, timer, dead]) {
    const detail = (await showChain(h.database, chainId))!;
    assert.equal(detail.state, 'cancelled');
    assert.equal(detail.reasonBy, 'anna');
    assert.equal(detail.log.at(-1)!.outcome, 'cancelled');
    await assert.rejects(cancelChain(h.database, chainId, 'anna'), /has already ended: cancelled/);
  }
  const audited = await h.database.query(`select 1 from audit where actor = 'anna' and action = 'chain cancel'`);
  assert.equal(audited.length, 5);
});

test('a dead chain is retried from its step with all its tries, unless its key was taken over', async () => {
  let works = false;
  const moody = chain('moody', anyInput)
    .step('first', async () => succeeded({ output: 1 }))
    .step(
      'second',
      async ({ previous, attempt }) => {
        if (!works) throw new Error('not yet');
        return succeeded({ output: [previous, attempt] });
      },
      { retry: { tries: 2, delayMs: 1 } },
    );
  const enqueue = h.enqueueWith([moody]);
  const engine = h.engine([moody]);
  const first = await enqueue(h.database, moody, {}, { uniqueKey: 'k' });
  assert.deepEqual(await enqueue(h.database, moody, {}, { uniqueKey: 'k' }), { ...first, created: false });
  await h.chainUntil(first.chainId, isState('dead'));
  await assert.rejects(retryChain(h.database, '0', 'anna'), /not a chain id/);
  works = true;
  await retryChain(h.database, first.chainId, 'anna');
  const row = await h.chainUntil(first.chainId, isState('succeeded'));
  assert.deepEqual(row.previous, [1, 1]);
  await assert.rejects(retryChain(h.database, first.chainId, 'anna'), /is succeeded; only dead/);
  works = false;
  const second = await enqueue(h.database, moody, {}, { uniqueKey: 'k' });
  assert.equal(second.created, true);
  await h.chainUntil(second.chainId, isState('dead'));
  const third = await enqueue(h.database, moody, {}, { uniqueKey: 'k', runAt: new Date(Date.now() + 3_600_000) });
  assert.equal(third.created, true);
  await assert.rejects(
    retryChain(h.database, second.chainId, 'anna'),
    new RegExp(`chain ${third.chainId} is open for the same key`),
  );
  await engine.stop(1_000);
});

test('a stop drains, burns no attempt, and gives back what does not end in time', async () => {
  const attempts: number[] = [];
  let patient = true;
  const slow = chain('slow-two', anyInput).step('wait', async ({ attempt, signal }) => {
    attempts.push(attempt);
    if (patient) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    return succeeded();
  });
  const first = h.engine([slow]);
  const { chainId } = await h.enqueueWith([slow])(h.database, slow, {});
  await h.chainUntil(chainId, isState('running'));
  await Promise.all([first.stop(20), first.stop(20)]);
  const row = (await h.database.query('select * from chain where id = $1', [chainId]))[0]!;
  assert.deepEqual([row.state, row.attempt, row.owner], ['ready', 0, null]);
  const nodes = await h.database.query(`select state from node where id = $1`, [first.status().bootId]);
  assert.equal(nodes[0]!.state, 'ended');
  patient = false;
  const second = h.engine([slow]);
  await h.chainUntil(chainId, isState('succeeded'));
  assert.deepEqual(attempts, [1, 1]);
  await second.stop(1_000);
  assert.deepEqual(await auditChains(h.database), []);
});

test('a row that this node owns and no run holds moves again, without any signal', async () => {
  const one = chain('orphaned', anyInput).step('one', effect('one'));
  const engine = h.engine([one]);
  await until(
    async () => engine.status().beatMsAgo,
    (ago) => ago !== null,
  );
  const { chainId } = await h.enqueueWith([one])(h.database, one, {}, { runAt: new Date(Date.now() + 3_600_000) });
  await h.database.query(
    `update chain set state = 'running', owner = $2, token = 1, started_token = 1, attempt = 1 where id = $1`,
    [chainId, engine.status().bootId],
  );
  const row = await h.chainUntil(chainId, isState('succeeded'));
  assert.equal(row.attempt, 1);
  await engine.stop(1_000);
});

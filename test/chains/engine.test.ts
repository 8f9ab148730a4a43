import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseTraceparent } from '../../otel/traceparent.ts';
import { auditChains } from '../../src/chains/audit.ts';
import { chain, failed, rejected, succeeded } from '../../src/chains/define.ts';
import { showChain } from '../../src/chains/queries.ts';
import { anyInput, fourSteps, type Harness, harness, isState } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

test('a chain goes through its steps under growing tokens, each effect written once, in one trace', async () => {
  const engine = h.engine([fourSteps]);
  const { chainId, created } = await h.enqueueWith([fourSteps])(h.database, fourSteps, { a: 1 });
  assert.equal(created, true);
  await h.chainUntil(chainId, isState('succeeded'));
  const detail = (await showChain(h.database, chainId))!;
  assert.deepEqual(
    detail.log.map(({ step, outcome, token }) => [step, outcome, token]),
    [
      ['one', 'succeeded', '1'],
      ['two', 'succeeded', '2'],
      ['three', 'succeeded', '3'],
      ['four', 'succeeded', '4'],
    ],
  );
  assert.deepEqual(detail.previous, { step: 'four', attempt: 1 });
  const traces = new Set(detail.log.map((row) => parseTraceparent(row.traceparent)!.traceId));
  assert.deepEqual([...traces], [parseTraceparent(detail.traceparent)!.traceId]);
  const effects = await h.database.query('select step from effect where chain_id = $1', [chainId]);
  assert.equal(effects.length, 4);
  await engine.stop(1_000);
});

test('a crashing step is tried three times and then dead-lettered, with the error kept and an alert raised', async () => {
  const attempts: number[] = [];
  const crashing = chain('crashing', anyInput).step(
    'boom',
    async ({ attempt }) => {
      attempts.push(attempt);
      throw new TypeError('no\u0000 way');
    },
    { retry: { delayMs: 1 } },
  );
  const engine = h.engine([crashing]);
  const { chainId } = await h.enqueueWith([crashing])(h.database, crashing, {});
  const row = await h.chainUntil(chainId, isState('dead'));
  assert.deepEqual(attempts, [1, 2, 3]);
  assert.match(row.reason, /TypeError: no/);
  const detail = (await showChain(h.database, chainId))!;
  assert.equal(detail.log.length, 3);
  assert.match((detail.log[2]!.error as { stack: string }).stack, /engine\.test/);
  assert.ok(h.alerts.some((alert) => alert.rule === 'chain.dead' && alert.subject === `chain ${chainId}`));
  await engine.stop(1_000);
});

test('a rejection burns no attempt, and waiting is given up after its time', async () => {
  const attempts: number[] = [];
  let calls = 0;
  const polite = chain('polite', anyInput).step('ask', async ({ attempt }) => {
    attempts.push(attempt);
    calls += 1;
    return calls < 5 ? rejected('the provider says 503', { afterMs: 1 }) : succeeded();
  });
  const stubborn = chain('stubborn', anyInput).step('ask', async () => rejected('closed', { afterMs: 1 }), {
    giveUpAfterMs: 100,
  });
  const engine = h.engine([polite, stubborn]);
  const enqueue = h.enqueueWith([polite, stubborn]);
  const first = await enqueue(h.database, polite, {});
  const second = await enqueue(h.database, stubborn, {});
  await h.chainUntil(first.chainId, isState('succeeded'));
  assert.deepEqual(attempts, [1, 1, 1, 1, 1]);
  const dead = await h.chainUntil(second.chainId, isState('dead'));
  assert.equal(dead.reason, 'gave up waiting: closed');
  assert.equal(dead.attempt, 0);
  await engine.stop(1_000);
});

test('failed ends the chain, keeps the reason, and its commit is in the same transaction', async () => {
  const bad = chain('bad-file', anyInput)
    .step('read', async ({ chainId }) =>
      failed('line 7: no trailer', async (tx) => {
        await tx.query(`insert into effect values ($1, 'quarantine')`, [chainId]);
      }),
    )
    .step('never', async () => succeeded());
  const engine = h.engine([bad]);
  const { chainId } = await h.enqueueWith([bad])(h.database, bad, {});
  const row = await h.chainUntil(chainId, isState('failed'));
  assert.equal(row.reason, 'line 7: no trailer');
  assert.equal((await h.database.query('select 1 from effect where chain_id = $1', [chainId])).length, 1);
  await engine.stop(1_000);
});

for (const [what, returned, pattern] of [
  ['undefined', undefined, /returned undefined; return succeeded/],
  ['an unknown kind', { kind: 'done' }, /returned an object of no known kind/],
  ['a bigint in the output', { kind: 'succeeded', output: { sum: 1n } }, /output of step odd .*\.sum is a bigint/],
  ['a NUL in the output', { kind: 'succeeded', output: ['a\u0000'] }, /\[0\] contains a NUL/],
  ['a lone surrogate', { kind: 'succeeded', output: '\ud800' }, /lone surrogate/],
  ['a circular output', { kind: 'succeeded', output: circular() }, /deeper than 64 levels, or circular/],
  ['a huge output', { kind: 'succeeded', output: 'x'.repeat(300_000) }, /limit is 262144/],
  ['no reason', { kind: 'rejected', reason: '' }, /gave no reason/],
] as const) {
  test(`a handler that returns ${what} is a crash that names it`, async () => {
    const odd = chain('odd', anyInput).step('odd', async () => returned as never, { retry: { tries: 1 } });
    const engine = h.engine([odd]);
    const { chainId } = await h.enqueueWith([odd])(h.database, odd, {});
    assert.match((await h.chainUntil(chainId, isState('dead'))).reason, pattern);
    await engine.stop(1_000);
  });
}

test('a commit that throws, or swallows an error, rolls everything back and is a crash', async () => {
  const thrower = chain('thrower', anyInput).step(
    'write',
    async ({ chainId }) =>
      succeeded({
        commit: async (tx) => {
          await tx.query(`insert into effect values ($1, 'half')`, [chainId]);
          throw new Error('second thoughts');
        },
      }),
    { retry: { tries: 1 } },
  );
  const swallower = chain('swallower', anyInput).step(
    'write',
    async () =>
      succeeded({
        commit: async (tx) => {
          await tx.query('select 1/0').catch(() => {});
        },
      }),
    { retry: { tries: 1 } },
  );
  const engine = h.engine([thrower, swallower]);
  const enqueue = h.enqueueWith([thrower, swallower]);
  const first = await enqueue(h.database, thrower, {});
  const second = await enqueue(h.database, swallower, {});
  assert.match((await h.chainUntil(first.chainId, isState('dead'))).reason, /commit of step write .* second thoughts/);
  assert.match((await h.chainUntil(second.chainId, isState('dead'))).reason, /current transaction is aborted/);
  assert.equal((await h.database.query('select 1 from effect where chain_id = $1', [first.chainId])).length, 0);
  await engine.stop(1_000);
});

test('a hung handler is a crash at its deadline, and progress extends it', async () => {
  const hung = chain('hung', anyInput)
    .step(
      'slow',
      async ({ progress, signal }) => {
        for (let i = 1; i <= 5; i += 1) {
          progress(i, 5, 'files');
          await new Promise((resolve) => setTimeout(resolve, 40));
        }
        return succeeded({ output: signal.aborted });
      },
      { deadlineMs: 120 },
    )
    .step('hang', () => new Promise(() => {}), { deadlineMs: 50, retry: { tries: 1 } });
  const engine = h.engine([hung]);
  const { chainId } = await h.enqueueWith([hung])(h.database, hung, {});
  const row = await h.chainUntil(chainId, isState('dead'));
  assert.equal(row.step, 'hang');
  assert.equal(row.previous, false);
  assert.match(row.reason, /made no progress for 50 ms/);
  await engine.stop(1_000);
});

test('the audit finds nothing to say about all of this', async () => {
  assert.deepEqual(await auditChains(h.database), []);
});

function circular(): unknown {
  const one: Record<string, unknown> = {};
  one.self = one;
  return one;
}

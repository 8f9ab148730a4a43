import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chain, child, succeeded } from '../../src/chains/define.ts';
import { showChain } from '../../src/chains/queries.ts';
import { anyInput, effect, fourSteps, type Harness, harness, isState, sharedSteps } from './harness.ts';
import { type LossyProxy, startProxy } from './proxy.ts';

let h: Harness;
let proxy: LossyProxy;
before(async () => {
  h = await harness();
  proxy = await startProxy(h.url);
});
after(async () => {
  await h.close();
  proxy.close();
});

async function outcomes(chainId: string): Promise<string[][]> {
  return (await showChain(h.database, chainId))!.log.map((row) => [row.step, row.outcome, row.token]);
}

const fourOnce = [
  ['one', 'succeeded', '1'],
  ['two', 'succeeded', '2'],
  ['three', 'succeeded', '3'],
  ['four', 'succeeded', '4'],
];

for (const [what, statement] of [
  ['COMMIT', 'commit'],
  ["the callback's own statement", 'insert into effect'],
  ['the completing statement', 'insert into step_log'],
] as const) {
  for (const steps of [fourSteps, sharedSteps]) {
    test(`a lost answer to ${what} of ${steps.name} is settled by the log: every effect once, no attempt burned`, async () => {
      // a prepared statement goes by its name after its first use, and the proxy looks for its text
      const at = steps === sharedSteps ? 'one' : 'two';
      const before = proxy.lost();
      let armed = false;
      const engine = h.engine([steps], {
        url: proxy.url,
        stopPoints: {
          reach(name, _chainId, step) {
            if (name !== 'after-handler' || step !== at || armed) return;
            armed = true;
            proxy.loseAnswerTo(statement);
          },
        },
      });
      const { chainId } = await h.enqueueWith([steps])(h.database, steps, {});
      await h.chainUntil(chainId, isState('succeeded'));
      assert.equal(proxy.lost(), before + 1, 'the answer was really lost');
      assert.deepEqual(await outcomes(chainId), fourOnce);
      await engine.stop(1_000);
    });
  }
}

test('a lost answer to a completion without a callback is settled by the log as well', async () => {
  let handled = 0;
  const plain = chain('plain', anyInput)
    .step('one', async () => {
      handled += 1;
      return succeeded({ output: 'kept' });
    })
    .step('two', async ({ previous }) => succeeded({ output: previous }));
  const engine = h.engine([plain], {
    url: proxy.url,
    stopPoints: {
      reach(name, _chainId, step) {
        if (name === 'after-handler' && step === 'one') proxy.loseAnswerTo('insert into step_log');
      },
    },
  });
  const before = proxy.lost();
  const { chainId } = await h.enqueueWith([plain])(h.database, plain, {});
  const row = await h.chainUntil(chainId, isState('succeeded'));
  assert.equal(proxy.lost(), before + 1);
  assert.equal(handled, 1);
  assert.equal(row.previous, 'kept');
  const expected = [
    ['one', 'succeeded', '1'],
    ['two', 'succeeded', '2'],
  ];
  assert.deepEqual(await outcomes(chainId), expected);
  await engine.stop(1_000);
});

test('a claim whose answer was lost moves again by itself, with its attempt', async () => {
  const attempts: number[] = [];
  const one = chain('one-step', anyInput).step('one', async (context) => {
    attempts.push(context.attempt);
    return effect('one')(context);
  });
  const { chainId } = await h.enqueueWith([one])(h.database, one, {});
  const before = proxy.lost();
  proxy.loseAnswerTo('with picked as materialized');
  const engine = h.engine([one], { url: proxy.url });
  await h.chainUntil(chainId, isState('succeeded'));
  assert.equal(proxy.lost(), before + 1);
  assert.deepEqual(attempts, [1]);
  const log = await outcomes(chainId);
  // claimed unseen under 1, released to 2, claimed again under 3; released by nobody else
  assert.deepEqual(log, [
    ['one', 'released', '2'],
    ['one', 'succeeded', '3'],
  ]);
  await engine.stop(1_000);
});

test('a connection that is lost while a step opens its children is waited out: the step is not charged with a crash', async () => {
  const small = chain('small', anyInput).step('one', effect('one'));
  const parent = chain('parent', anyInput)
    .step('open', async () => succeeded({ children: [1, 2].map(() => child(small, {}, { onChildFailure: 'fail' })) }))
    .step('join', async () => succeeded());
  const { chainId } = await h.enqueueWith([small, parent])(h.database, parent, {});
  const before = proxy.lost();
  proxy.loseAnswerTo('insert into chain');
  const engine = h.engine([small, parent], { url: proxy.url });
  await h.chainUntil(chainId, isState('succeeded'));
  assert.equal(proxy.lost(), before + 1);
  const log = await outcomes(chainId);
  assert.deepEqual(
    log.map(([step, outcome]) => `${step} ${outcome}`),
    ['open succeeded', 'join succeeded'],
  );
  const opened = await h.database.query('select 1 from chain where parent_id = $1', [chainId]);
  assert.equal(opened.length, 2);
  await engine.stop(1_000);
});

test('a claim that a crash of the server forgot comes again under its token, to the run that it led to', async () => {
  const over = Promise.withResolvers<void>();
  let begun = 0;
  const long = chain('forgotten', anyInput).step('long', async () => {
    begun += 1;
    await over.promise;
    return succeeded();
  });
  const engine = h.engine([long]);
  const { chainId } = await h.enqueueWith([long])(h.database, long, {});
  const claimed = await h.chainUntil(chainId, isState('running'));
  await h.database.query(
    `update chain set state = 'ready', owner = null, token = token - 1, started_token = null, attempt = 0 where id = $1`,
    [chainId],
  );
  const again = await h.chainUntil(chainId, isState('running'));
  assert.deepEqual([again.token, again.owner, again.attempt], [claimed.token, claimed.owner, 1]);
  over.resolve();
  await h.chainUntil(chainId, isState('succeeded'));
  assert.equal(begun, 1, 'it was not begun a second time');
  assert.deepEqual(await outcomes(chainId), [['long', 'succeeded', '1']]);
  await engine.stop(1_000);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { retryChain } from '../../src/chains/commands.ts';
import { atMostOnce, chain, idempotent, rejected, succeeded } from '../../src/chains/define.ts';
import { createRegistry } from '../../src/chains/registry.ts';
import { replayChain } from '../../src/chains/replay.ts';
import { anyInput, type Harness, harness, isState } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

test('an effect at most once is not repeated after a crash: the chain is a dead letter that says so, and a person goes on', async () => {
  const sent: string[] = [];
  const pay = chain('pay', anyInput)
    .step(
      'send',
      async ({ chainId }) => {
        sent.push(chainId);
        throw new Error('the line was cut after it was sent');
      },
      { effects: atMostOnce, retry: { tries: 5, delayMs: 1 } },
    )
    .step('book', async ({ previous }) => succeeded({ output: { booked: true, previous } }));
  const engine = h.engine([pay]);
  const { chainId } = await h.enqueueWith([pay])(h.database, pay, {});
  const row = await h.chainUntil(chainId, isState('dead'));
  assert.deepEqual(sent, [chainId]);
  assert.match(
    row.reason,
    /^it is not known whether step send has had its effect: an earlier attempt began and did not end/,
  );
  const outcomes = await h.database.query('select outcome from step_log where chain_id = $1 order by token', [chainId]);
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    ['crashed', 'unknown'],
  );
  assert.ok(h.alerts.some(({ rule, subject }) => rule === 'chain.dead' && subject === `chain ${chainId}`));
  await assert.rejects(
    retryChain(h.database, chainId, 'anna'),
    /it is not known whether step send of chain .* has had its effect/,
  );
  await replayChain(h.database, createRegistry([pay]), chainId, 'book', 'anna');
  const booked = await h.chainUntil(chainId, isState('succeeded'));
  assert.deepEqual(booked.previous, { booked: true, previous: null });
  assert.deepEqual(sent, [chainId]);
  // and who names the step itself wants it again
  await replayChain(h.database, createRegistry([pay]), chainId, 'send', 'anna');
  await h.chainUntil(chainId, isState('dead'));
  assert.deepEqual(sent, [chainId, chainId]);
  await engine.stop(1_000);
});

test('a rejection says that nothing has happened: it is tried again', async () => {
  let calls = 0;
  const polite = chain('polite', anyInput).step(
    'send',
    async () => {
      calls += 1;
      return calls < 3 ? rejected('closed', { afterMs: 1 }) : succeeded();
    },
    { effects: atMostOnce },
  );
  const engine = h.engine([polite]);
  const { chainId } = await h.enqueueWith([polite])(h.database, polite, {});
  await h.chainUntil(chainId, isState('succeeded'));
  assert.equal(calls, 3);
  await engine.stop(1_000);
});

test('a node that died in the step leaves it unknown, one that stopped before the handler began does not', async () => {
  const sent: string[] = [];
  const once = chain('once', anyInput).step(
    'send',
    async ({ chainId }) => {
      sent.push(chainId);
      return succeeded();
    },
    { effects: atMostOnce },
  );
  const enqueue = h.enqueueWith([once]);
  const [died, fresh] = [await enqueue(h.database, once, {}), await enqueue(h.database, once, {})];
  await h.database.query(`insert into effect_intent (chain_id, step, token) values ($1, 'send', 0)`, [died.chainId]);
  const engine = h.engine([once]);
  await h.chainUntil(died.chainId, isState('dead'));
  await h.chainUntil(fresh.chainId, isState('succeeded'));
  assert.deepEqual(sent, [fresh.chainId]);
  await engine.stop(1_000);
});

test('an idempotent effect has the same key at every attempt, of its input or of chain and step', async () => {
  const keys: string[] = [];
  const steady = chain('steady', anyInput)
    .step(
      'own',
      async ({ effectKey, attempt }) => {
        keys.push(effectKey);
        if (attempt === 1) throw new Error('again');
        return succeeded();
      },
      { effects: idempotent(({ invoice }) => `invoice-${String(invoice)}`), retry: { delayMs: 1 } },
    )
    .step('default', async ({ effectKey }) => {
      keys.push(effectKey);
      return succeeded();
    });
  const engine = h.engine([steady]);
  const { chainId } = await h.enqueueWith([steady])(h.database, steady, { invoice: 7 });
  await h.chainUntil(chainId, isState('succeeded'));
  assert.deepEqual(keys, ['invoice-7', 'invoice-7', `${chainId}:default`]);
  await engine.stop(1_000);
});

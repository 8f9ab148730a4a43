import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { chain, rejected, succeeded } from '../../src/chains/define.ts';
import { why } from '../../src/chains/why.ts';
import { anyInput, type Harness, harness, isState, until } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

const limits = { crashes: 20, windowMs: 60_000, probeMs: 300 };
const breakers = () => h.database.query('select chain, step, probe_chain_id from breaker');
const statesOf = async (name: string) =>
  Object.fromEntries(
    (await h.database.query('select state, count(*)::int as n from chain where name = $1 group by 1', [name])).map(
      ({ state, n }) => [state, n],
    ),
  );

test('a step that crashes again and again is stopped alone, one chain tries at a time, and the first that gets through opens it', async () => {
  let broken = true;
  let tries = 0;
  let inside = 0;
  let most = 0;
  let stopped = false;
  const shaky = chain('shaky', anyInput)
    .step('good', async () => succeeded())
    .step(
      'bad',
      async () => {
        tries += 1;
        inside += 1;
        if (stopped) most = Math.max(most, inside);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside -= 1;
        if (broken) throw new Error('the provider changed its mind');
        return succeeded();
      },
      { retry: { tries: 100, delayMs: 1, capMs: 1 } },
    );
  const other = chain('other', anyInput).step('bad', async () => succeeded());
  const engines = [1, 2].map(() => h.engine([shaky, other], { breaker: limits }));
  const enqueue = h.enqueueWith([shaky, other]);
  const ids: string[] = [];
  for (let n = 0; n < 40; n += 1) ids.push((await enqueue(h.database, shaky, {})).chainId);
  const [open] = await until(breakers, (rows) => rows.length > 0);
  assert.deepEqual([open!.chain, open!.step], ['shaky', 'bad']);
  await until(
    () => statesOf('shaky'),
    (states) => (states.breaker ?? 0) >= 39 && !states.ready && !states.timer && (states.running ?? 0) <= 1,
  );
  stopped = true;
  const triesThen = tries;
  // what it is about: a chain of another name, and the step before, go on
  const late = await enqueue(h.database, shaky, {});
  const free = await enqueue(h.database, other, {});
  await h.chainUntil(free.chainId, isState('succeeded'));
  const row = await h.chainUntil(late.chainId, isState('breaker'));
  assert.equal(row.step, 'bad');
  assert.match(row.reason, /of \d+ runs crashed within a minute, the last one: the provider changed its mind/);
  const answer = await why(h.database, late.chainId);
  assert.match(answer!.sentence, /waits for the breaker of step bad/);
  assert.equal(answer!.clearsByItself, true);
  await until(
    async () => tries,
    (now) => now >= triesThen + 3,
  );
  assert.equal(most, 1, `${most} tried at once`);
  assert.equal(h.alerts.filter(({ rule }) => rule === 'chain.breaker').length, 1);
  assert.deepEqual(await auditChains(h.database, { boundMs: 3_000 }), []);
  broken = false;
  for (const id of [...ids, late.chainId]) await h.chainUntil(id, isState('succeeded'));
  assert.deepEqual(await breakers(), []);
  for (const engine of engines) await engine.stop(1_000);
});

test('outcomes and crashes below half of the runs stop nothing', async () => {
  let n = 0;
  const mixed = chain('mixed', anyInput).step(
    'only',
    async ({ attempt }) => {
      n += 1;
      if (n % 5 < 2 && attempt === 1) throw new Error('two of five');
      if (n % 5 === 2 && attempt === 1) return rejected('later', { afterMs: 1 });
      return succeeded();
    },
    { retry: { tries: 100, delayMs: 1, capMs: 1 } },
  );
  const engine = h.engine([mixed], { breaker: limits });
  const enqueue = h.enqueueWith([mixed]);
  for (let count = 0; count < 120; count += 1) await enqueue(h.database, mixed, {});
  await until(
    () => statesOf('mixed'),
    (states) => states.succeeded === 120,
  );
  assert.deepEqual(await breakers(), []);
  await engine.stop(1_000);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import { endPause, listPauses, PauseError, releasePaused, setPause } from '../../src/chains/pause.ts';
import { why } from '../../src/chains/why.ts';
import { anyInput, fourSteps, type Harness, harness, isState, until } from './harness.ts';

let h: Harness;
before(async () => {
  h = await harness();
});
after(() => h.close());

const scopes = { chains: ['four', 'held', 'other'], providers: [{ syncType: 'KPN_SP16', chain: 'held' }] };
const set = (scope: string, until: Date | null = null) =>
  setPause(h.database, scopes, { scope, by: 'anna@cli', why: 'the provider moves house', until });

const other = chain('other', anyInput).step('only', async () => succeeded());

test('what runs ends its step, its next one waits with who and why, and goes on when the pause ends', async () => {
  const reached = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const ran: string[] = [];
  const held = chain('held', anyInput)
    .step('first', async () => {
      ran.push('first');
      reached.resolve();
      await go.promise;
      return succeeded();
    })
    .step('second', async ({ attempt }) => {
      ran.push(`second ${attempt}`);
      return succeeded();
    });
  const engine = h.engine([held, other]);
  const enqueue = h.enqueueWith([held, other]);
  const running = await enqueue(h.database, held, {});
  await reached.promise;
  await set('provider:KPN_SP16');
  const waiting = await enqueue(h.database, held, {});
  go.resolve();
  for (const { chainId } of [running, waiting]) {
    const row = await h.chainUntil(chainId, isState('paused'));
    assert.deepEqual([row.reason, row.reason_by], ['the provider moves house', 'anna@cli']);
  }
  assert.deepEqual(ran, ['first']);
  const free = await enqueue(h.database, other, {});
  await h.chainUntil(free.chainId, isState('succeeded'));
  const said = await why(h.database, waiting.chainId);
  assert.match(
    said!.sentence,
    /paused by anna@cli \(the provider moves house\).*linekeeper pause end provider:KPN_SP16/,
  );
  assert.equal(said!.clearsByItself, false);
  assert.deepEqual(await auditChains(h.database), []);
  assert.equal(await endPause(h.database, 'provider:KPN_SP16'), true);
  for (const { chainId } of [running, waiting]) await h.chainUntil(chainId, isState('succeeded'));
  assert.deepEqual(ran.toSorted(), ['first', 'first', 'second 1', 'second 1']);
  await engine.stop(1_000);
});

test('a pause that has an end is over by itself, and covers everything meanwhile', async () => {
  const engine = h.engine([other]);
  const [clock] = await h.database.query<{ soon: Date }>(`select now() + interval '700 milliseconds' as soon`);
  await set('all', clock!.soon);
  assert.deepEqual(
    (await listPauses(h.database)).map(({ scope, until }) => [scope, until?.getTime()]),
    [['all', clock!.soon.getTime()]],
  );
  const { chainId } = await h.enqueueWith([other])(h.database, other, {});
  const paused = await h.chainUntil(chainId, isState('paused'));
  assert.equal((await why(h.database, chainId))!.clearsByItself, true);
  const done = await h.chainUntil(chainId, isState('succeeded'));
  assert.ok(done.finished_at >= clock!.soon, `${done.finished_at} is before ${clock!.soon}`);
  assert.ok(BigInt(done.token) > BigInt(paused.token));
  assert.deepEqual(await listPauses(h.database), []);
  await engine.stop(1_000);
  await endPause(h.database, 'all');
});

test('while everything is paused the node proves its work all the same', async () => {
  await set('all');
  const engine = h.engine([other], { proofMs: 50 });
  try {
    await until(
      async () => engine.status().provenMsAgo,
      (provenMsAgo) => provenMsAgo !== null,
    );
  } finally {
    await endPause(h.database, 'all');
    await engine.stop(1_000);
  }
});

test('a paused chain can be cancelled', async () => {
  const engine = h.engine([other]);
  await set('chain:other');
  const { chainId } = await h.enqueueWith([other])(h.database, other, {});
  await h.chainUntil(chainId, isState('paused'));
  await engine.cancel(h.database, chainId, 'ben');
  await h.chainUntil(chainId, isState('cancelled'));
  await endPause(h.database, 'chain:other');
  await engine.stop(1_000);
});

test('a scope that names nothing, no reason and a time that is over are refused by name', async () => {
  const wrong = (scope: string, pattern: RegExp) =>
    assert.rejects(set(scope), (error) => error instanceof PauseError && pattern.test(error.message));
  await wrong('everything', /everything is no scope; it is all, chain:<name> or provider:<sync type>/);
  await wrong('chain:nope', /no chain nope; chains are: four, held, other/);
  await wrong('provider:KPN', /no provider KPN; providers are: KPN_SP16/);
  await assert.rejects(set('all', new Date(0)), /over already/);
  await assert.rejects(setPause(h.database, scopes, { scope: 'all', by: 'a', why: ' ', until: null }), /say why/);
  assert.deepEqual(await listPauses(h.database), []);
});

test('200,000 paused chains slow neither the sweep nor the claim of others', async () => {
  await set('chain:four');
  await h.database.query(
    `insert into chain (name, step, state, traceparent, input, reason, reason_by)
     select 'four', 'one', 'paused', '00-0-0-00', '{}', 'why', 'who' from generate_series(1, 200000)`,
  );
  await h.database.query('analyze chain');
  const engine = h.engine([other, fourSteps]);
  const enqueue = h.enqueueWith([other]);
  const ids = await Promise.all(Array.from({ length: 50 }, async () => (await enqueue(h.database, other, {})).chainId));
  for (const chainId of ids) await h.chainUntil(chainId, isState('succeeded'), 5_000);
  await engine.stop(1_000);
  const [plan] = await h.database.query<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
    `explain (analyze, buffers, format json) ${releasePaused.replaceAll('$1', '5000')}`,
  );
  const { 'Shared Hit Blocks': hit, 'Shared Read Blocks': read } = plan!['QUERY PLAN'][0]!.Plan;
  assert.ok(hit! + read! < 200, `${hit! + read!} blocks`);
  await h.database.query(`delete from chain where name = 'four'`);
  await endPause(h.database, 'chain:four');
});

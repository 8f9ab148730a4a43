import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { z } from 'zod';
import { chain, succeeded } from '../../src/chains/define.ts';
import { findUnmet, newestSuccesses } from '../../src/chains/expectation.ts';
import { setPause } from '../../src/chains/pause.ts';
import { syncManager } from '../../src/providers/open-due-syncs.ts';
import { unmetExpectations } from '../../src/services/expectations.ts';
import { openFindings } from '../../src/services/findings.ts';
import { harness } from './harness.ts';

const h = await harness();
after(() => h.close());

const input = z.strictObject({});
const expectMinute = { expect: { successEveryMs: 60_000 } };
const pulse = chain('pulse', input, 1, expectMinute).step('only', async () => succeeded());
const other = chain('other', input).step('only', async () => succeeded());

const look = () => findUnmet(h.database, [pulse, other], 0);
const unmet = async () => (await look()).map((one) => one.chain);

/** As if everything so far was so much longer ago, but looked at all the while. */
async function age(interval: string): Promise<void> {
  await h.database.query(
    `update chain_expectation set since = since - $1::interval, last_success_at = last_success_at - $1::interval`,
    [interval],
  );
  await h.database.query('update chain set finished_at = finished_at - $1::interval', [interval]);
}

/** A finished chain of that name, written by `session`. */
function finished(session: Pick<typeof h.database, 'query'>, name: string, state: string): Promise<unknown> {
  return session.query(
    `insert into chain (name, step, state, traceparent, input, finished_at)
     values ($1, 'only', $2::chain_state, 'x', '{}', now())`,
    [name, state],
  );
}

test('a chain that stops succeeding is told, although nothing fails, until it succeeds again', async () => {
  assert.deepEqual(await unmet(), []);
  await age('2 minutes');
  assert.deepEqual(await unmet(), ['pulse']);
  await finished(h.database, 'pulse', 'failed');
  await finished(h.database, 'other', 'succeeded');
  assert.deepEqual(await unmet(), ['pulse'], 'neither its failure nor the success of another counts');
  await finished(h.database, 'pulse', 'succeeded');
  assert.deepEqual(await unmet(), []);
  await age('50 seconds');
  assert.deepEqual(await unmet(), []);
  await age('11 seconds');
  const [one] = await look();
  assert.deepEqual([one!.chain, one!.everyMs, one!.since], ['pulse', 60_000, one!.lastSuccessAt]);
});

test('a success that was still being committed during a look is seen by the next one', async () => {
  await age('2 minutes');
  await h.database.transaction(async (tx) => {
    await finished(tx, 'pulse', 'succeeded');
    assert.deepEqual(await unmet(), ['pulse']);
    await h.database.query('select pg_sleep(1.5)');
    assert.deepEqual(await unmet(), ['pulse']);
  });
  assert.deepEqual(await unmet(), []);
});

test('a paused chain is expected to do nothing, and when the pause ends it has its whole time', async () => {
  await age('2 minutes');
  await setPause(
    h.database,
    { chains: ['pulse'], providers: [] },
    { scope: 'chain:pulse', by: 'anna@cli', why: 'its source moves', until: null },
  );
  assert.deepEqual(await unmet(), []);
  await h.database.query('delete from pause');
  assert.deepEqual(await unmet(), []);
  await age('61 seconds');
  assert.deepEqual(await unmet(), ['pulse']);
});

test('the time in which no node looked does not count', async () => {
  await h.database.query(`update chain_expectation set looked_at = looked_at - interval '2 minutes'`);
  await age('8 hours');
  assert.deepEqual(await unmet(), []);
});

test('several nodes look at once, and one of them is enough', async () => {
  await age('2 minutes');
  const seen = await Promise.all([look(), look(), look(), look()]);
  assert.deepEqual(
    seen.map((list) => list.map((one) => one.chain)),
    Array(4).fill(['pulse']),
  );
});

test('the newest version says what is expected, and nonsense is refused where it is defined', async () => {
  const second = chain('pulse', input, 2).step('only', async () => succeeded());
  assert.deepEqual(await findUnmet(h.database, [second, pulse], 0), []);
  for (const successEveryMs of [0, 999, 1_000.5, Number.NaN]) {
    assert.throws(() => chain('pulse', input, 1, { expect: { successEveryMs } }), /chain pulse: successEveryMs/);
  }
});

test('it is a finding that an auditor resolves, and sync-manager is expected every quarter of an hour', async () => {
  const services = { route: () => assert.fail(), enqueue: () => assert.fail(), alerts: {} as never };
  const manager = syncManager(services);
  assert.deepEqual(manager.expect, { successEveryMs: 900_000 });
  assert.deepEqual(await unmetExpectations(h.database, [manager]), []);
  await age('16 minutes');
  const [finding] = await unmetExpectations(h.database, [manager]);
  assert.deepEqual([finding!.rule, finding!.subject], ['chain.expected', 'sync-manager']);
  assert.match(finding!.message, /sync-manager is expected to succeed every 15 min and has not succeeded yet; look/);
  await h.database.query(
    `insert into alert (rule, subject, level, message) values ('chain.expected', 'sync-manager', 'critical', 'x')`,
  );
  assert.deepEqual(await openFindings(h.database), [{ rule: 'chain.expected', subject: 'sync-manager' }]);
});

test('a look reads only what finished since the last one', async () => {
  await h.database.query(
    `insert into chain (name, step, state, traceparent, input, finished_at)
     select 'other', 'only', 'succeeded', 'x', '{}', now() - n * interval '100 milliseconds' - interval '1 minute'
     from generate_series(1, 30000) n`,
  );
  await h.database.query('analyze chain');
  const from = new Date(Date.now() - 10_000);
  const text = newestSuccesses.replace('$1', `'${from.toISOString()}'`).replace('$2', `'{pulse}'`);
  const rows = await h.database.query<{ 'QUERY PLAN': string }>(`explain (analyze, buffers) ${text}`);
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  assert.match(plan, /chain_finished/);
  const [, read] = /Buffers: shared hit=(\d+)/.exec(plan)!;
  assert.ok(Number(read) < 50, plan);
});

/**
 * faults.md, row 10, in the size of a test: many finished chains in the table and a session that idles in a transaction all the
 * while. What counts is what a step reads, not how long it takes beside other tests: blocks of the whole database for each
 * step, with every session's own. `npm run bench -- finished` measures the throughput with a million.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { auditChains } from '../../src/chains/audit.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import { chainHistory, ensureDayPartitions, stepLog } from '../../src/database/day-partitions.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { anyInput, harness, until } from '../chains/harness.ts';
import { testDatabase } from '../support/database.ts';

const chains = 3_000;
const finished = 100_000;

const noop = async () => succeeded();
const four = chain('four', anyInput).step('a', noop).step('b', noop).step('c', noop).step('d', noop);

const fill = `
  insert into chain (name, step, state, token, traceparent, input, finished_at)
  select 'old', 'd', 'succeeded', 4, 't', '{}', now() - n * interval '1 ms' from generate_series(1, $1::integer) n`;

/** Became ready one after the other, as under load. */
const feed = `
  insert into chain (name, step, traceparent, input, run_at)
  select 'four', 'a', '00-' || lpad(to_hex(n), 32, '1') || '-1111111111111111-01', '{}', now() - interval '1 hour' + n * interval '10 ms'
  from generate_series(1, $1::integer) n`;

const open = `select id from chain where state = 'ready' union all select id from chain where state = 'running'`;

const blocks = `
  select (blks_hit + blks_read)::int as n from pg_stat_database where datname = current_database()`;

async function blocksPerStep(old: number, isForgotten: boolean): Promise<number> {
  const server = await testDatabase();
  const forgotten = openDatabase(server.url, {
    applicationName: 'forgotten',
    max: 1,
    settings: ['set idle_in_transaction_session_timeout = 0'],
  });
  const h = await harness(server);
  try {
    for (const table of [stepLog, chainHistory]) await ensureDayPartitions(h.database, table);
    const filling = openDatabase(server.url, { applicationName: 'fill', max: 1 });
    await filling.query(fill, [old]);
    // vacuum in the middle of it would be counted too
    for (const table of ['chain', 'node']) await filling.query(`alter table ${table} set (autovacuum_enabled = false)`);
    await filling.query('vacuum analyze');
    const ended = Promise.withResolvers<void>();
    const reading = isForgotten
      ? forgotten.read(async (session) => {
          await session.query('select count(*) from schedule');
          await ended.promise;
        })
      : null;
    await filling.query(feed, [chains]);
    // a session tells what it read a second later, unless it is made to
    await filling.query('select pg_stat_force_next_flush()');
    await filling.close();
    const look = async () => (await h.database.query<{ n: number }>(blocks))[0]!.n;
    const before = await look();
    const engine = h.engine([four], { lanes: 32, leaseMs: 6_000, beatMs: 2_000, sweepMs: 250 });
    await until(
      async () => engine.status().carried,
      (carried) => carried >= chains,
      60_000,
    );
    // seldom, because this look is counted too
    while ((await h.database.query(open)).length > 0) await delay(250);
    assert.deepEqual(await auditChains(h.database), []);
    await engine.stop(10_000);
    const [log] = await h.database.query(
      `select count(*)::int as steps, count(distinct (chain_id, step))::int as once from step_log where outcome = 'succeeded'`,
    );
    assert.deepEqual(log, { steps: 4 * chains, once: 4 * chains });
    // a session says what it read when it ends
    const after = await until(look, (n) => n > before + chains);
    ended.resolve();
    await reading;
    return (after - before) / (4 * chains);
  } finally {
    await h.close();
    await forgotten.close();
    await server.close();
  }
}

test('100,000 finished chains and a forgotten transaction do not make a step read a fifth more', async () => {
  const alone = await blocksPerStep(0, false);
  const beside = await blocksPerStep(finished, false);
  const worst = await blocksPerStep(finished, true);
  assert.ok(beside <= 1.2 * alone && worst <= 1.2 * alone, `${JSON.stringify({ alone, beside, worst })} blocks a step`);
});

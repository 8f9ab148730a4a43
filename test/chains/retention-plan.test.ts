/** What work reads must not grow with what has ended: 200,000 finished chains beside a few that are open. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { audit } from '../../src/chains/audit.ts';
import { claimReady } from '../../src/chains/claim.ts';
import { carry, carryFinished, carryValues } from '../../src/chains/history.ts';
import { fromZero } from '../../src/chains/low-water.ts';
import { list, listOpen } from '../../src/chains/queries.ts';
import { plannerPins } from '../../src/chains/sessions.ts';
import { timersDue } from '../../src/chains/sweep.ts';
import { chainHistory, ensureDayPartitions } from '../../src/database/day-partitions.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { buffersOf } from '../support/buffers.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let server: TestDatabase;
let plain: Database;
let engine: Database;
before(async () => {
  server = await testDatabase();
  plain = openDatabase(server.url, { applicationName: 'plain', max: 2 });
  engine = openDatabase(server.url, { applicationName: 'engine', max: 1, settings: plannerPins });
  await ensureDayPartitions(plain, chainHistory);
  await plain.query(
    `insert into chain (name, step, state, traceparent, input, finished_at)
     select 'old', 'a', case when n % 1000 = 0 then 'failed' else 'succeeded' end::chain_state, 't', '{}',
            now() - interval '1 hour' - n * interval '1 millisecond'
     from generate_series(1, 200000) n`,
  );
  await plain.query(
    `insert into chain (name, step, state, run_at, traceparent, input, reason, reason_by)
     select 'new', 'a', s.state, now(), 't', '{}', 'r', 'me'
     from unnest('{ready,timer,paused,dead}'::chain_state[]) s (state), generate_series(1, 20)`,
  );
});
after(async () => {
  await plain.close();
  await engine.close();
  await server.close();
});

const none = [null, null, null, null, 50] as const;
const open = ['ready', 'running', 'timer', 'paused', 'dead'];
const all = [...open, 'succeeded', 'failed', 'cancelled'];

async function assertBounded(): Promise<void> {
  const read = {
    claim: await buffersOf(engine, claimReady, [
      '00000000-0000-4000-8000-000000000000',
      10,
      0,
      ['new 1'],
      null,
      fromZero,
    ]),
    sweep: await buffersOf(engine, timersDue, [500]),
    audit: await buffersOf(plain, audit, [5_000]),
    list: await buffersOf(plain, list, none.with(1, all as never)),
    'list of what is open': await buffersOf(plain, listOpen, none.with(1, open as never)),
    'list of dead letters': await buffersOf(plain, listOpen, none.with(1, ['dead'] as never)),
  };
  for (const [what, blocks] of Object.entries(read)) {
    assert.ok(blocks < 800, `${what} read ${blocks} blocks: ${JSON.stringify(read)}`);
  }
}

test('200,000 finished chains are not read by claim, sweep, audit and list, with statistics or without', async () => {
  await assertBounded();
  await plain.query('analyze chain');
  await assertBounded();
});

test('a batch of the mover reads what it carries, not what stays', async () => {
  const rows = 500;
  const blocks = await buffersOf(plain, carry, carryValues(3_600_000, rows));
  assert.ok(blocks / rows < 60, `${blocks / rows} blocks a chain`);
});

test('with 200,000 chains in history, lists of all, of one name and of what failed read a page of it', async () => {
  while ((await carryFinished(plain, { keepMs: 3_600_000, limit: 20_000 })).carried > 0) {}
  // what the mover has left behind is not what this is about: a plan may read the table whole, whatever its rows
  await plain.query('vacuum full chain');
  for (const statistics of [false, true]) {
    if (statistics) await plain.query('analyze');
    await assertBounded();
    const named = await buffersOf(plain, list, none.with(0, 'new' as never).with(1, all as never));
    const failed = await buffersOf(plain, list, none.with(1, ['failed'] as never));
    assert.ok(named < 800 && failed < 800, `name ${named}, failed ${failed}, statistics ${statistics}`);
  }
});

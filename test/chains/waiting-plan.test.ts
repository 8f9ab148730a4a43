/** What work reads must not grow with what waits: 40,000 chains in each of five states that wait, beside a few that work. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { audit } from '../../src/chains/audit.ts';
import { claimReady } from '../../src/chains/claim.ts';
import { fromZero } from '../../src/chains/low-water.ts';
import { holdPaused, pausedAtOnce, releasePaused } from '../../src/chains/pause.ts';
import { plannerPins } from '../../src/chains/sessions.ts';
import { claimKeyed } from '../../src/chains/slots.ts';
import { timersDue } from '../../src/chains/sweep.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { buffersOf } from '../support/buffers.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const bootId = '00000000-0000-4000-8000-000000000000';
let server: TestDatabase;
let engine: Database;
before(async () => {
  server = await testDatabase();
  engine = openDatabase(server.url, { applicationName: 'engine', max: 1, settings: plannerPins });
  await engine.query(
    `insert into chain (name, step, state, run_at, traceparent, input, reason, reason_by, slot_key, slot_limit, pending, join_token)
     select 'waits', 'a', s.state, now() + interval '1 day', 't', '{}', 'r', 'me',
            case when s.state = 'concurrency' then 'key ' || n % 100 end, case when s.state = 'concurrency' then 1 end,
            (s.state = 'children')::int, case when s.state = 'children' then 1 end
     from unnest('{children,concurrency,timer,blocked,dead}'::chain_state[]) s (state), generate_series(1, 40000) n`,
  );
  // every key has its chain
  await engine.query(`insert into chain_slot (key, slot, chain_id)
    select distinct on (slot_key) slot_key, 1, id from chain where state = 'concurrency' order by slot_key, id`);
  await engine.query(
    `insert into chain (name, step, state, run_at, traceparent, input)
     select 'new', 'a', s.state, now(), 't', '{}' from unnest('{ready,timer}'::chain_state[]) s (state), generate_series(1, 20)`,
  );
});
after(async () => {
  await engine.close();
  await server.close();
});

async function assertBounded(): Promise<void> {
  const known = ['new 1', 'waits 1'];
  const read = {
    claim: await buffersOf(engine, claimReady, [bootId, 10, 0, known, null, fromZero]),
    'claim of keys': await buffersOf(engine, claimKeyed, [bootId, 10, 0, known, '', 100, null]),
    timers: await buffersOf(engine, timersDue, [500]),
    'pauses that begin': await buffersOf(engine, holdPaused, [pausedAtOnce]),
    'pauses that end': await buffersOf(engine, releasePaused, [pausedAtOnce]),
    audit: await buffersOf(engine, audit, [5_000]),
  };
  for (const [what, blocks] of Object.entries(read)) {
    // the audit, which runs every ten seconds, looks at every join that waits
    const most = what === 'audit' ? 8_000 : 2_000;
    assert.ok(blocks < most, `${what} read ${blocks} blocks: ${JSON.stringify(read)}`);
  }
}

test('200,000 waiting chains do not slow the claim and the sweep, with statistics or without', async () => {
  await assertBounded();
  await engine.query('analyze chain');
  await assertBounded();
});

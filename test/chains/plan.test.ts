import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { audit } from '../../src/chains/audit.ts';
import { claimReady } from '../../src/chains/claim.ts';
import {
  finish,
  lockByFence,
  moveToNextStep,
  recordCrash,
  recordRejection,
  releaseHeld,
} from '../../src/chains/completion-sql.ts';
import { moveMany } from '../../src/chains/group-sql.ts';
import { plannerPins } from '../../src/chains/sessions.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let server: TestDatabase;
let database: Database;
before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'plan', max: 1, settings: plannerPins });
});
after(async () => {
  await database.close();
  await server.close();
});

/** The generic plan, as force_generic_plan makes the engine's sessions use it. */
async function planOf(statement: string): Promise<string> {
  const rows = await database.query(`explain (generic_plan, costs off) ${statement}`);
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

const byFence = { moveToNextStep, finish, recordCrash, recordRejection, lockByFence };
for (const [name, statement] of Object.entries(byFence)) {
  test(`with empty statistics ${name} finds its row by the primary key`, async () => {
    const plan = await planOf(statement);
    assert.doesNotMatch(plan, /Seq Scan on (?!pause)/, plan);
    assert.match(plan, /Index Scan using chain_pkey on chain c/, plan);
    assert.doesNotMatch(plan, /chain_running/, plan);
  });
}

test('with empty statistics the claim walks the ready index in order, and sorts nothing', async () => {
  const plan = await planOf(claimReady);
  assert.match(plan, /Index Scan using chain_ready on chain/, plan);
  assert.match(plan, /Index Scan using chain_pkey on chain c/, plan);
  assert.doesNotMatch(plan, /Seq Scan on (?!pause)|Sort|Hash Join/, plan);
});

test('with empty statistics a release goes by the primary key', async () => {
  const plan = await planOf(releaseHeld);
  assert.doesNotMatch(plan, /Seq Scan on chain|chain_running/, plan);
});

test('the audit reads no chain that has ended', async () => {
  const plain = openDatabase(server.url, { applicationName: 'audit', max: 1 });
  await plain.query(
    `insert into chain (name, step, state, traceparent, input, finished_at)
     select 'old', 'a', 'succeeded', 't', '{}', now() from generate_series(1, 20000)`,
  );
  await plain.query('analyze chain');
  const plan = await plain.query(`explain ${audit.replaceAll('$1', '5000')}`);
  await plain.close();
  assert.doesNotMatch(JSON.stringify(plan), /Seq Scan on chain\b/);
});

test('a group is moved by the primary key, also when one row in thousands seems to have its owner', async () => {
  await database.query('analyze chain');
  const many = `'{${Array.from({ length: 500 }, (_, at) => at)}}'::bigint[]`;
  const plan = await planOf(moveMany.replace('$2::bigint[]', many));
  assert.match(plan, /Index Scan using chain_pkey on chain c\n\s+Index Cond: \(id = l\.id\)/, plan);
  assert.doesNotMatch(plan, /Join Filter/, plan);
});

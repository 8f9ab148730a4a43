/** Each checker is seen red: rows as a good run leaves them, one thing spoiled, and the checker that is for it says so. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { checkers, drainedChecker } from './checkers.ts';
import { copiedRows, schema } from './workload-chains.ts';

const trace = '00-11111111111111111111111111111111-2222222222222222-01';
const anotherTrace = '00-33333333333333333333333333333333-2222222222222222-01';
const node = '00000000-0000-4000-8000-000000000001';

/** Chain 1 is a line, 2 copies, 3 is a family with child 4, 5 and 6 share a key, 7 is of the schedule. */
const goodRows = `
  insert into chain (id, name, step, state, token, traceparent, input, parent_id, parent_token, on_child_failure, counted)
  overriding system value values
    (1, 'line', 'four', 'succeeded', 4, '${trace}', '{}', null, null, null, false),
    (2, 'copying', 'after', 'succeeded', 3, '${trace}', '{}', null, null, null, false),
    (3, 'family', 'join', 'succeeded', 2, '${trace}', '{"children": 1}', null, null, null, false),
    (4, 'member', 'rest', 'succeeded', 2, '${trace}', '{}', 3, 1, 'ignore', true),
    (5, 'keyed', 'hold', 'succeeded', 1, '${trace}', '{"key": "a"}', null, null, null, false),
    (6, 'keyed', 'hold', 'succeeded', 1, '${trace}', '{"key": "a"}', null, null, null, false),
    (7, 'tick', 'only', 'succeeded', 1, '${trace}', '{}', null, null, null, false);
  insert into step_log (chain_id, token, at, step, attempt, outcome, output, started_at, traceparent)
  select chain_id, token, now() + (chain_id + token / 10.0) * interval '1 second', step, 1, 'succeeded', output::jsonb,
         now() + (chain_id + token / 10.0 - 0.1) * interval '1 second', '${trace}'
  from (values (1, 1, 'one', '{}'), (1, 2, 'two', '{}'), (1, 3, 'three', '{}'), (1, 4, 'four', '{}'),
               (2, 1, 'before', '{}'), (2, 2, 'copy', '{}'), (2, 3, 'after', '{}'),
               (3, 1, 'open', '{}'), (3, 2, 'join', '{"told": 1}'), (4, 1, 'work', '{}'), (4, 2, 'rest', '{}'),
               (5, 1, 'hold', '{}'), (6, 1, 'hold', '{}'), (7, 1, 'only', '{}')) l (chain_id, token, step, output);
  insert into fault_effect (chain_id, step, pid, node_ms) select chain_id, step, 1, 1 from step_log;
  insert into fault_copy (chain_id, n) select 2, n from generate_series(1, ${copiedRows}) n;
  insert into schedule (name, every_ms, chain, next_due_at) values ('ticks', 1000, 'tick', now());
  insert into schedule_slot (schedule, due_at, result, chain_id) values ('ticks', '2026-01-01 00:00:00Z', 'fired', 7)`;

/** What is spoiled, and the checker that has to see it. */
const spoiled: readonly (readonly [string, string, string])[] = [
  ['every chain that was acknowledged is there', 'delete from chain where id = 1', 'chain 1 is lost'],
  [
    'no effect is there twice',
    `insert into fault_effect (chain_id, step, pid, node_ms) values (1, 'two', 2, 2)`,
    'chain 1 step two: 2 effects',
  ],
  [
    'every step that succeeded has its effect',
    `delete from fault_effect where chain_id = 1 and step = 'two'`,
    'chain 1 step two: no effect',
  ],
  [
    'no effect is there of a step that did not succeed',
    `update step_log set outcome = 'recovered' where chain_id = 1 and step = 'two'`,
    'chain 1 step two: an effect without a success',
  ],
  ['a COPY is there whole, once, or not at all', 'delete from fault_copy where n = 7', 'chain 2: 1999 rows'],
  [
    'a COPY is there whole, once, or not at all',
    `delete from fault_effect where chain_id = 2 and step = 'copy'`,
    'chain 2: 2000 rows',
  ],
  [
    'a chain that succeeded has succeeded in each of its steps',
    `delete from step_log where chain_id = 1 and step = 'three'`,
    'chain 1 (line) succeeded in one, two, four',
  ],
  [
    'no step succeeded twice, and no token was used twice',
    `insert into step_log select chain_id, 9, at, step, attempt, outcome, reason, output, error, node, started_at, traceparent
     from step_log where chain_id = 1 and step = 'one'`,
    'chain 1 step one token 1',
  ],
  [
    'no step succeeded twice, and no token was used twice',
    `insert into step_log select chain_id, token, at + interval '1 ms', step, attempt, 'released', reason, output, error, node,
            started_at, traceparent
     from step_log where chain_id = 1 and step = 'one'`,
    'chain 1 token 1: 2 log rows',
  ],
  [
    'chains that did nothing wrong have succeeded, unless a person cancelled them',
    `update chain set state = 'dead', reason = 'why' where id = 1`,
    'chain 1 (line) is dead at step four: why',
  ],
  [
    'what was cancelled stays so',
    `insert into step_log (chain_id, token, step, attempt, outcome, reason, traceparent)
     values (1, 9, 'four', 1, 'cancelled', 'why', '${trace}')`,
    'chain 1 (line) was cancelled and is succeeded',
  ],
  [
    'no fault is charged to a chain as its crash',
    `insert into step_log (chain_id, token, step, attempt, outcome, reason, traceparent)
     values (1, 9, 'one', 1, 'crashed', 'away', '${trace}')`,
    'chain 1 (line) step one crashed: away',
  ],
  [
    'a join was told of each of its children',
    `update step_log set output = '{"told": 0}' where chain_id = 3 and step = 'join'`,
    'chain 3 was told of 0 of 1',
  ],
  [
    'a join was told of each of its children',
    'update chain set counted = false where id = 4',
    'chain 3 was told of 1 of 1',
  ],
  [
    'of one concurrency key one chain ran at a time',
    `update step_log set started_at = started_at - interval '1 second' where chain_id = 6`,
    'key a: chain 6 began 00:00:00.1 before the one before had ended',
  ],
  [
    'no slot of the schedule is doubled or missed, and each has its chain',
    `insert into schedule_slot (schedule, due_at, result, chain_id) values ('ticks', '2026-01-01 00:00:02Z', 'fired', 7)`,
    'slot 2026-01-01 00:00:02+00 comes 00:00:02 after the one before',
  ],
  [
    'no slot of the schedule is doubled or missed, and each has its chain',
    `update schedule_slot set result = 'skipped', reason = 'missed', chain_id = null`,
    'slot 2026-01-01 00:00:00+00 is skipped with chain none',
  ],
  [
    'no slot of the schedule is doubled or missed, and each has its chain',
    'delete from schedule_slot',
    'chain 7 belongs to no slot',
  ],
  [
    'a chain has one trace throughout its log',
    `update step_log set traceparent = '${anotherTrace}' where chain_id = 1 and step = 'two'`,
    `chain 1 step two: ${anotherTrace} in ${trace}`,
  ],
  [
    'nothing is held when all services have stopped',
    `insert into node (id, host, pid, release, schema) values ('${node}', 'h', 1, '0.1.0', 'x')`,
    `node ${node} is live`,
  ],
  [
    'nothing is held when all services have stopped',
    `update chain set state = 'running', owner = '${node}' where id = 1`,
    'chain 1 is running',
  ],
  [
    'nothing is held when all services have stopped',
    `insert into chain_slot (key, slot, chain_id) values ('a', 1, 5)`,
    'key a is held by chain 5',
  ],
];

let server: TestDatabase;
let database: Database;
before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'test', max: 1 });
  await database.query(schema);
  await database.query(`set time zone 'UTC'`);
  await database.query(goodRows);
});
after(async () => {
  await database.close();
  await server.close();
});

const all = [...checkers, drainedChecker];
const acknowledged = ['1', '2', '3', '4', '5', '6', '7'];

test('the rows of a good run satisfy every checker', async () => {
  for (const { name, check } of all) assert.deepEqual(await check({ ask: database.query, acknowledged }), [], name);
});

test('no checker is without a row that it finds wrong', () => {
  assert.deepEqual(
    all.map(({ name }) => name).filter((name) => !spoiled.some(([about]) => about === name)),
    [],
  );
});

for (const [about, statement, line] of spoiled) {
  test(`"${about}" sees: ${line}`, async () => {
    const undo = new Error('only to see it red');
    const seen = database.transaction(async (tx) => {
      await tx.query(statement);
      const found = await all.find(({ name }) => name === about)!.check({ ask: tx.query, acknowledged });
      assert.ok(found.includes(line), JSON.stringify(found));
      throw undo;
    });
    await assert.rejects(seen, (error) => error === undo);
  });
}

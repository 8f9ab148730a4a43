import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { parseTraceparent } from '../../otel/traceparent.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import { createEnqueue } from '../../src/chains/enqueue.ts';
import { createRegistry } from '../../src/chains/registry.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { fireDue } from '../../src/schedule/fire.ts';
import { lateSchedules } from '../../src/schedule/late.ts';
import { enableSchedule, ensureSchedule, type ScheduleInput } from '../../src/schedule/schedule.ts';
import { inProcessSignals } from '../../src/signals/in-process.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const tick = chain('tick', z.strictObject({ every: z.number() })).step('only', async () => succeeded());
const enqueue = createEnqueue({
  registry: createRegistry([tick]),
  signals: inProcessSignals((error) => assert.fail(String(error))),
});

let server: TestDatabase;
let database: Database;
before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'test' });
});
after(async () => {
  await database.close();
  await server.close();
});

/** A schedule of every five minutes whose last `slots` slots were missed. */
async function missed(slots: number, schedule: Partial<ScheduleInput> & { name: string }): Promise<void> {
  await ensureSchedule(database, { cron: '*/5 * * * *', chain: 'tick', input: { every: 5 }, ...schedule });
  await database.query(
    `update schedule
     set next_due_at = date_bin('5 minutes', now(), '2026-01-01') - make_interval(mins => 5 * ($2::int - 1)) where name = $1`,
    [schedule.name, slots],
  );
}

async function slotsOf(name: string): Promise<string[]> {
  const rows = await database.query('select result, reason from schedule_slot where schedule = $1 order by due_at', [
    name,
  ]);
  return rows.map((row) => (row.reason ? `${row.result}: ${row.reason.replace(/\d+/, 'N')}` : row.result));
}

for (const [catchUp, overlap, expected] of [
  ['last', 'skip', ['skipped: missed, and catch-up is last', 'skipped: missed, and catch-up is last', 'fired']],
  ['all', 'allow', ['fired', 'fired', 'fired']],
  ['all', 'skip', ['fired', ...Array(2).fill('skipped: chain N of an earlier slot is still open')]],
] as const) {
  test(`three missed slots with catch-up ${catchUp} and overlap ${overlap} are ${expected.join(', ')}`, async () => {
    const name = `${catchUp}-${overlap}`;
    await missed(3, { name, catchUp, overlap });
    const { slots, errors } = await fireDue(database, { enqueue });
    assert.deepEqual(errors, []);
    assert.equal(slots.length, 3);
    assert.deepEqual(await slotsOf(name), expected);
    assert.deepEqual((await fireDue(database, { enqueue })).slots, []);
  });
}

test('with catch-up none what was missed is recorded and not run; a slot that is just due runs', async () => {
  await missed(2, { name: 'none', catchUp: 'none' });
  await database.query(
    `update schedule set next_due_at = next_due_at - interval '1 day', cron = '0 4 1 1 *' where name = 'none'`,
  );
  await fireDue(database, { enqueue });
  assert.deepEqual(await slotsOf('none'), ['skipped: missed, and catch-up is none']);
  await database.query(`update schedule set next_due_at = now() - interval '1 second' where name = 'none'`);
  await fireDue(database, { enqueue });
  assert.equal((await slotsOf('none')).at(-1), 'fired');
});

test('three nodes at once fire every slot once, each with a trace of its own', async () => {
  await missed(6, { name: 'shared', catchUp: 'all', overlap: 'allow' });
  const results = await Promise.all([1, 2, 3].map(() => fireDue(database, { enqueue })));
  assert.equal(results.flatMap((result) => result.slots).length, 6);
  const rows = await database.query(
    `select c.traceparent, c.requested_by from schedule_slot s join chain c on c.id = s.chain_id where s.schedule = 'shared'`,
  );
  assert.equal(rows.length, 6);
  assert.equal(new Set(rows.map((row) => parseTraceparent(row.traceparent)!.traceId)).size, 6);
  assert.equal(rows[0]!.requested_by, 'schedule shared');
});

test('an open chain holds the next slot up, a dead or a deleted one does not', async () => {
  await missed(1, { name: 'held' });
  const first = (await fireDue(database, { enqueue })).slots[0]!;
  const again = () =>
    database.query(`update schedule set next_due_at = now() - interval '1 second' where name = 'held'`);
  await again();
  await fireDue(database, { enqueue });
  await database.query(`update chain set state = 'dead' where id = $1`, [first.chainId]);
  await again();
  const third = (await fireDue(database, { enqueue })).slots[0]!;
  await database.query('delete from chain where id = $1', [third.chainId]);
  await again();
  await fireDue(database, { enqueue });
  const states = ['fired', 'skipped: chain N of an earlier slot is still open', 'fired', 'fired'];
  assert.deepEqual(await slotsOf('held'), states);
});

test('a schedule whose chain refuses its input stays due and is told, and holds up no other', async () => {
  await missed(1, { name: 'a-bad-one', input: { evry: 5 } });
  await missed(1, { name: 'b-good-one' });
  await database.query(
    `update schedule set next_due_at = next_due_at - interval '10 minutes' where name = 'a-bad-one'`,
  );
  const { errors, slots } = await fireDue(database, { enqueue });
  assert.equal(errors[0]!.schedule, 'a-bad-one');
  assert.match(errors[0]!.error.message, /chain tick refuses its input/);
  assert.deepEqual(
    slots.map((slot) => slot.schedule),
    ['b-good-one'],
  );
  const [late, ...others] = await lateSchedules(database);
  assert.deepEqual([late!.name, others], ['a-bad-one', []]);
  assert.match(late!.error!, /chain tick refuses its input/);
  assert.equal(errors[0]!.isNew, true);
  const [again] = (await fireDue(database, { enqueue })).errors;
  assert.deepEqual([again!.schedule, again!.isNew], ['a-bad-one', false]);
  await ensureSchedule(database, { name: 'a-bad-one', cron: '*/5 * * * *', chain: 'tick', input: { every: 5 } });
  await fireDue(database, { enqueue });
  assert.deepEqual(await lateSchedules(database), []);
  const [row] = await database.query(`select last_error, failing_since from schedule where name = 'a-bad-one'`);
  assert.deepEqual(row, { last_error: null, failing_since: null });
});

test('a schedule whose row somebody broke is late with what is wrong, until it is switched off', async () => {
  await missed(1, { name: 'broken' });
  await database.query(
    `update schedule set time_zone = 'Europe/Amsterdm', next_due_at = next_due_at - interval '10 minutes'
     where name = 'broken'`,
  );
  await fireDue(database, { enqueue });
  const [late] = await lateSchedules(database);
  assert.match(`${late!.name}: ${late!.error}`, /^broken: time zone "Europe\/Amsterdm" is unknown/);
  await enableSchedule(database, 'broken', false);
  assert.deepEqual(await lateSchedules(database), []);
});

test('ensuring a schedule again keeps what is due, unless its line changed; switched off stays off', async () => {
  await missed(2, { name: 'kept' });
  const read = async () => (await database.query(`select * from schedule where name = 'kept'`))[0]!;
  const before = await read();
  await enableSchedule(database, 'kept', false);
  await ensureSchedule(database, { name: 'kept', cron: '*/5 * * * *', chain: 'tick', input: { every: 7 } });
  const same = await read();
  assert.deepEqual([same.next_due_at, same.input, same.enabled], [before.next_due_at, { every: 7 }, false]);
  await ensureSchedule(database, { name: 'kept', cron: '0 4 * * *', chain: 'tick', input: { every: 7 } });
  assert.ok((await read()).next_due_at > new Date());
  await assert.rejects(ensureSchedule(database, { name: 'x', cron: 'daily', chain: 'tick' }), /five fields/);
});

test('next_due_at set back to slots that are recorded fires none of them twice and goes on', async () => {
  await missed(3, { name: 'set-back', catchUp: 'all', overlap: 'allow' });
  await fireDue(database, { enqueue });
  await database.query(`update schedule set next_due_at = next_due_at - interval '15 minutes' where name = 'set-back'`);
  const { slots, errors } = await fireDue(database, { enqueue });
  assert.deepEqual(errors, []);
  assert.ok(slots.length <= 1, 'at most the slot that came due meanwhile');
  const [row] = await database.query(`select next_due_at > now() as ahead from schedule where name = 'set-back'`);
  assert.equal(row!.ahead, true);
});

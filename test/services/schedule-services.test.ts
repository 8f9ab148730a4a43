import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ServiceError } from '../../src/admin/service-error.ts';
import { scheduleServices } from '../../src/services/schedule-services.ts';
import { type ScheduleHarness, scheduleHarness } from '../schedule/harness.ts';

let h: ScheduleHarness;
let services: ReturnType<typeof scheduleServices>;
before(async () => {
  h = await scheduleHarness();
  services = scheduleServices({ database: h.database, enqueue: h.enqueue, wake() {} });
});
after(() => h.close());

const by = 'anna@cli';
const is = (code: string, message: RegExp) => (error: ServiceError) => {
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  return true;
};

test('a schedule runs now beside its plan, and the slot says who asked', async () => {
  await h.missed(1, { name: 'beside', overlap: 'allow' });
  await h.fire();
  const before = await services.schedule('beside');
  const slots = await Promise.all([1, 2, 3].map(() => services.runSchedule({ by, name: 'beside' })));
  assert.equal(new Set(slots.map(({ dueAt }) => dueAt)).size, 3, 'three slots, also within one millisecond');
  const shown = await services.schedule('beside');
  assert.deepEqual([shown.nextDueAt, shown.upcoming], [before.nextDueAt, before.upcoming]);
  assert.equal(shown.upcoming.length, 5);
  assert.deepEqual(
    shown.slots.map(({ result, requestedBy }) => [result, requestedBy]),
    [...Array(3).fill(['fired', by]), ['fired', null]],
  );
  const [chain] = await h.database.query('select requested_by from chain where id = $1', [slots[0]!.chainId]);
  assert.equal(chain!.requested_by, by);
});

test('running now keeps to the overlap: refused while a chain is open, or waiting', async () => {
  await h.missed(1, { name: 'alone' });
  await h.fire();
  const refused = is(
    'conflict',
    /chain \d+ of an earlier slot is still open, and the overlap of schedule alone is skip/,
  );
  await assert.rejects(services.runSchedule({ by, name: 'alone' }), refused);
  await h.endChains('alone', 'succeeded');
  assert.equal((await services.runSchedule({ by, name: 'alone' })).result, 'fired');
  // a chain that a person started holds the plan up as any other does
  await h.dueAgain('alone');
  await h.fire();
  assert.deepEqual((await h.slotsOf('alone')).map((slot) => slot.split(':')[0]).sort(), ['fired', 'fired', 'skipped']);

  await h.missed(1, { name: 'one', overlap: 'queueOne' });
  await h.fire();
  assert.equal((await services.runSchedule({ by, name: 'one' })).result, 'queued');
  await assert.rejects(services.runSchedule({ by, name: 'one' }), is('conflict', /waits already/));
  await h.endChains('one', 'failed');
  const { slots } = await h.fire();
  assert.deepEqual(
    slots.map(({ schedule, result }) => [schedule, result]),
    [['one', 'fired']],
  );
});

test('one that is switched off runs when a person asks, and is due again only when switched on', async () => {
  await h.missed(1, { name: 'off' });
  const off = await services.enableSchedule({ by, name: 'off', enabled: false });
  assert.deepEqual([off.enabled, off.nextDueAt, off.upcoming], [false, null, []]);
  assert.equal((await services.runSchedule({ by, name: 'off' })).result, 'fired');
  assert.deepEqual((await h.fire()).slots, []);
  const on = await services.enableSchedule({ by, name: 'off', enabled: true });
  assert.ok(new Date(on.nextDueAt!) > new Date());
});

test('what cannot be done is answered with the way out', async () => {
  await assert.rejects(services.schedule('non'), is('not-found', /there is no schedule non; schedules are: .*alone/));
  await assert.rejects(services.runSchedule({ by, name: 'non' }), is('not-found', /no schedule non/));
  await assert.rejects(services.enableSchedule({ by, name: 'non', enabled: true }), is('not-found', /no schedule/));
  await h.missed(1, { name: 'wrong', input: { evry: 5 } });
  await assert.rejects(services.runSchedule({ by, name: 'wrong' }), is('refused', /chain tick refuses its input/));
  await h.fire();
  const wrong = (await services.schedules()).find(({ name }) => name === 'wrong');
  assert.match(wrong!.error!, /chain tick refuses its input/);
  await h.database.query(`update schedule set cron = 'daily', enabled = false where name = 'wrong'`);
  const refused = is('refused', /cron line "daily" must have five fields/);
  await assert.rejects(services.enableSchedule({ by, name: 'wrong', enabled: true }), refused);
});

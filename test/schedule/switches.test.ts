import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ensureSchedule } from '../../src/schedule/schedule.ts';
import { type ScheduleHarness, scheduleHarness } from './harness.ts';

let h: ScheduleHarness;
before(async () => {
  h = await scheduleHarness();
});
after(() => h.close());

for (const zone of ['Europe/Amsterdam', 'Australia/Sydney']) {
  test(`a node that slept over both clock changes of ${zone} makes up for each day at 02:30 once`, async () => {
    const now = Temporal.Now.zonedDateTimeISO(zone);
    const start = now.getTimeZoneTransition('previous')!.getTimeZoneTransition('previous')!.subtract({ days: 3 });
    const first = start.toPlainDate().toZonedDateTime({ timeZone: zone, plainTime: '02:30' });
    await ensureSchedule(h.database, {
      name: zone.replace('/', '.'),
      cron: '30 2 * * *',
      timeZone: zone,
      chain: 'tick',
      input: { every: 5 },
      catchUp: 'all',
      catchUpMax: 1_000,
      overlap: 'allow',
    });
    await h.database.query('update schedule set next_due_at = $2 where name = $1', [
      zone.replace('/', '.'),
      new Date(first.epochMilliseconds),
    ]);
    const { slots, errors } = await h.fire();
    assert.deepEqual(errors, []);
    assert.ok(slots.every(({ result }) => result === 'fired'));
    const days = slots.map(({ dueAt }) =>
      Temporal.Instant.fromEpochMilliseconds(dueAt.getTime()).toZonedDateTimeISO(zone).toPlainDate().toString(),
    );
    const expected = days.map((_, index) => first.toPlainDate().add({ days: index }).toString());
    assert.deepEqual(days, expected);
    assert.ok(days.length > 180, `${days.length} days`);
    assert.ok(Temporal.PlainDate.compare(days.at(-1)!, now.toPlainDate().subtract({ days: 1 })) >= 0);
  });
}

test('a period over the same months has every slot at the same distance', async () => {
  await ensureSchedule(h.database, {
    name: 'period',
    everyMs: 6 * 3_600_000,
    chain: 'tick',
    input: { every: 5 },
    catchUp: 'all',
    catchUpMax: 1_000,
    overlap: 'allow',
  });
  await h.database.query(`update schedule set next_due_at = now() - interval '200 days' where name = 'period'`);
  const { slots } = await h.fire();
  assert.equal(slots.length, 801);
  for (const [index, { dueAt }] of slots.entries()) {
    assert.equal(dueAt.getTime() - slots[0]!.dueAt.getTime(), index * 6 * 3_600_000);
  }
});

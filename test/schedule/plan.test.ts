import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePlan } from '../../src/schedule/plan.ts';

const at = (time: string) => new Date(`2026-${time}Z`);

test('a period counts from the stored slot, whenever somebody looks, and never drifts', () => {
  const plan = parsePlan('s', { everyMs: 7_000 });
  let due = at('03-01T00:00:00.250');
  const slots: Date[] = [];
  // looks that are late by anything up to four periods
  for (const lateMs of [0, 1, 6_999, 7_000, 7_001, 20_000, 27_999, 3]) {
    const now = new Date(due.getTime() + lateMs);
    slots.push(...plan.due(due, now, 1_000));
    due = plan.next(due, now);
    assert.ok(due > now);
  }
  const expected = slots.map((_, index) => new Date(at('03-01T00:00:00.250').getTime() + index * 7_000));
  assert.deepEqual(slots, expected);
  assert.deepEqual(due, new Date(expected.at(-1)!.getTime() + 7_000));
});

test('a period knows no clock changes: a day over either switch is 24 hours', () => {
  const plan = parsePlan('s', { everyMs: 86_400_000 });
  const slots = plan.due(at('03-28T01:30:00'), at('03-30T02:00:00'), 10);
  assert.deepEqual(slots, [at('03-28T01:30:00'), at('03-29T01:30:00'), at('03-30T01:30:00')]);
  const halfHours = parsePlan('s', { everyMs: 1_800_000 }).due(at('10-24T23:30:00'), at('10-25T02:00:00'), 10);
  assert.deepEqual(
    halfHours.map((due) => due.toISOString().slice(11, 16)),
    ['23:30', '00:00', '00:30', '01:00', '01:30', '02:00'],
  );
});

test('of more slots than asked for the newest are kept', () => {
  const plan = parsePlan('s', { everyMs: 1_000 });
  assert.deepEqual(plan.due(at('01-01T00:00:00'), at('03-01T00:00:00'), 2), [
    at('02-28T23:59:59'),
    at('03-01T00:00:00'),
  ]);
});

test('a plan is a cron line or a period within bounds, and says which schedule is wrong', () => {
  assert.throws(() => parsePlan('nightly', {}), /schedule nightly needs a cron line or everyMs, one of the two/);
  assert.throws(() => parsePlan('nightly', { cron: '0 4 * * *', everyMs: 5_000 }), /one of the two/);
  for (const everyMs of [0, -1, 999, 1_500.5, Number.NaN, 367 * 86_400_000]) {
    assert.throws(() => parsePlan('nightly', { everyMs }), /schedule nightly: everyMs is .* must be a whole number/);
  }
});

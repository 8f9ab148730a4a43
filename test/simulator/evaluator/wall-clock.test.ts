import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wallClock } from '../../../simulator/evaluator/wall-clock.ts';

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

for (const timeZone of ['Europe/Amsterdam', 'America/St_Johns', 'Australia/Lord_Howe']) {
  test(`the wall clock of ${timeZone} agrees with Temporal all through two years`, () => {
    const clock = wallClock(timeZone);
    const start = Date.UTC(2025, 11, 30) / 1000;
    for (let utcS = start; utcS < start + 2 * 366 * 86_400; utcS += 2699) {
      const zoned = Temporal.Instant.fromEpochMilliseconds(utcS * 1000).toZonedDateTimeISO(timeZone);
      const wall = clock(utcS, utcS);
      assert.deepEqual(
        [wall.month, wall.dayOfMonth, wall.weekday, wall.secondOfDay],
        [zoned.month, zoned.day, weekdays[zoned.dayOfWeek - 1], zoned.hour * 3600 + zoned.minute * 60 + zoned.second],
      );
    }
  });
}

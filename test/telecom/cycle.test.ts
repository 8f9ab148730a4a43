import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cycleOfDate, cycleStartDay, nextCycleStartDay } from '../../src/telecom/cycle.ts';
import { openLocalTime } from '../../src/telecom/local-time.ts';

const amsterdam = openLocalTime('Europe/Amsterdam');

function cycle(date: string, cycleDay: number): [string, string] {
  const found = cycleOfDate(date, cycleDay, amsterdam);
  return [found.start, found.end];
}

describe('a cycle', () => {
  it('begins on its day and ends before the next one', () => {
    assert.deepEqual(cycle('2026-03-01', 1), ['2026-03-01', '2026-04-01']);
    assert.deepEqual(cycle('2026-03-31', 1), ['2026-03-01', '2026-04-01']);
    assert.deepEqual(cycle('2026-03-14', 15), ['2026-02-15', '2026-03-15']);
    assert.deepEqual(cycle('2026-03-15', 15), ['2026-03-15', '2026-04-15']);
    assert.deepEqual(cycle('2026-01-01', 2), ['2025-12-02', '2026-01-02']);
    assert.deepEqual(cycle('2026-12-31', 31), ['2026-12-31', '2027-01-31']);
  });

  it('of day 29 to 31 clamps to the end of the month, leap day included', () => {
    assert.deepEqual(cycle('2026-02-28', 31), ['2026-02-28', '2026-03-31']);
    assert.deepEqual(cycle('2026-02-27', 31), ['2026-01-31', '2026-02-28']);
    assert.deepEqual(cycle('2026-03-30', 31), ['2026-02-28', '2026-03-31']);
    assert.deepEqual(cycle('2026-04-30', 31), ['2026-04-30', '2026-05-31']);
    assert.deepEqual(cycle('2028-02-29', 30), ['2028-02-29', '2028-03-30']);
    assert.deepEqual(cycle('2028-02-28', 29), ['2028-01-29', '2028-02-29']);
  });

  it('is an hour shorter in March, an hour longer in October, from local midnight to local midnight', () => {
    const hours = (date: string) => {
      const { startsAtMs, endsAtMs } = cycleOfDate(date, 1, amsterdam);
      return (endsAtMs - startsAtMs) / 3_600_000;
    };
    assert.deepEqual(['2026-03-10', '2026-05-10', '2026-10-10'].map(hours), [31 * 24 - 1, 31 * 24, 31 * 24 + 1]);
    const october = cycleOfDate('2026-10-01', 1, amsterdam);
    assert.equal(new Date(october.startsAtMs).toISOString(), '2026-09-30T22:00:00.000Z');
    assert.equal(new Date(october.endsAtMs).toISOString(), '2026-10-31T23:00:00.000Z');
  });

  it('contains each of its days: cycles follow each other without gap or overlap', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 80_000 }), fc.integer({ min: 1, max: 31 }), (day, cycleDay) => {
        const start = cycleStartDay(day, cycleDay);
        const end = nextCycleStartDay(start, cycleDay);
        assert.ok(start <= day && day < end && end - start >= 28 && end - start <= 31);
        assert.equal(cycleStartDay(end - 1, cycleDay), start);
        assert.equal(cycleStartDay(end, cycleDay), end);
      }),
      { numRuns: 2000 },
    );
  });

  it('needs a date that exists', () => {
    assert.throws(() => cycle('2026-02-30', 1), /"2026-02-30" is no date; write it as 2026-03-01/);
  });
});

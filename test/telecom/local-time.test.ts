import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  dayMs,
  dayNumber,
  isoDate,
  packedDate,
  parseIsoDate,
  parseLocalMs,
  parseTimeOfDayMs,
  weekdayOf,
} from '../../src/telecom/civil-date.ts';
import { type DstHint, openLocalTime } from '../../src/telecom/local-time.ts';

const zones = [
  'Europe/Amsterdam',
  'America/New_York',
  'America/Sao_Paulo',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'UTC',
];
const tables = new Map(zones.map((zone) => [zone, openLocalTime(zone)]));
const amsterdam = tables.get('Europe/Amsterdam')!;
const instant = fc.integer({ min: Date.UTC(1971, 0, 1) / 1000, max: Date.UTC(2199, 0, 1) / 1000 }).map((s) => s * 1000);

function toInstant(local: string, hint: DstHint) {
  const { utcMs, ambiguous, shifted } = amsterdam.toInstant(parseLocalMs(local), hint);
  return [new Date(utcMs).toISOString().slice(0, 19), ambiguous, shifted];
}

describe('the offset table', () => {
  it('agrees with Temporal at any instant of any zone, in any order', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), instant, (zone, utcMs) => {
        const table = tables.get(zone)!;
        const at = Temporal.Instant.fromEpochMilliseconds(utcMs).toZonedDateTimeISO(zone);
        assert.equal(table.offsetMsAt(utcMs), at.offsetNanoseconds / 1e6);
        const next = at.getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity;
        assert.equal(table.nextTransitionMs(utcMs), Math.min(next, Date.UTC(2200, 0, 1)));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes a local time to the instant that Temporal takes it to, gaps and repeats included', () => {
    // Half of them within a day of a change of clocks.
    const near = fc.tuple(fc.constantFrom(...zones), instant, fc.integer({ min: -90_000, max: 90_000 }));
    fc.assert(
      fc.property(near, fc.boolean(), fc.boolean(), ([zone, from, seconds], nearChange, winter) => {
        const table = tables.get(zone)!;
        const change = table.nextTransitionMs(from);
        const utcMs = nearChange && change < Date.UTC(2199, 0, 1) ? change + seconds * 1000 : from;
        const localMs = utcMs + table.offsetMsAt(from);
        const local = Temporal.Instant.fromEpochMilliseconds(localMs).toZonedDateTimeISO('UTC').toPlainDateTime();
        const earlier = local.toZonedDateTime(zone, { disambiguation: 'earlier' }).epochMilliseconds;
        const later = local.toZonedDateTime(zone, { disambiguation: 'later' }).epochMilliseconds;
        const exists = local.toZonedDateTime(zone).toPlainDateTime().equals(local);
        const found = { ...table.toInstant(localMs, '') };
        assert.deepEqual(found, {
          utcMs: exists ? earlier : later,
          ambiguous: exists && earlier !== later,
          shifted: !exists,
        });
        if (winter && exists) assert.ok([earlier, later].includes(table.toInstant(localMs, 'W').utcMs));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds the next change of the local date, also where clocks skip or repeat midnight', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), instant, (zone, utcMs) => {
        const table = tables.get(zone)!;
        const date = (ms: number) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toPlainDate();
        const change = table.nextDateChangeMs(utcMs);
        assert.ok(date(change - 1).equals(date(utcMs)) && !date(change).equals(date(utcMs)));
        const start = Temporal.Instant.fromEpochMilliseconds(utcMs).toZonedDateTimeISO(zone).startOfDay();
        const day = parseIsoDate(start.toPlainDate().toString());
        assert.equal(table.startOfDayMs(day), start.epochMilliseconds);
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses instants outside its years and zones that do not exist', () => {
    assert.throws(() => openLocalTime('Europe/Amsterdam', 2020, 2021).offsetMsAt(Date.UTC(2022, 0, 1)), /Amsterdam/);
    assert.throws(() => amsterdam.toInstant(parseLocalMs('2300-01-01T00:00:00'), ''), RangeError);
    assert.throws(() => openLocalTime('Europe/Amsterdm'), RangeError);
  });
});

describe('the repeated hour in October', () => {
  const local = '2026-10-25T02:30:00';
  it('is summer time when the provider says S', () => {
    assert.deepEqual(toInstant(local, 'S'), ['2026-10-25T00:30:00', false, false]);
  });
  it('is winter time when the provider says W', () => {
    assert.deepEqual(toInstant(local, 'W'), ['2026-10-25T01:30:00', false, false]);
  });
  it('is its first pass, and ambiguous, when nobody says', () => {
    assert.deepEqual(toInstant(local, ''), ['2026-10-25T00:30:00', true, false]);
  });
  it('begins at 02:00:00 and ends before 03:00:00', () => {
    assert.deepEqual(toInstant('2026-10-25T01:59:59', ''), ['2026-10-24T23:59:59', false, false]);
    assert.deepEqual(toInstant('2026-10-25T02:00:00', 'W'), ['2026-10-25T01:00:00', false, false]);
    assert.deepEqual(toInstant('2026-10-25T03:00:00', ''), ['2026-10-25T02:00:00', false, false]);
  });
});

describe('the hour that does not exist in March', () => {
  it('is moved one hour later and reported', () => {
    assert.deepEqual(toInstant('2026-03-29T02:30:00', ''), ['2026-03-29T01:30:00', false, true]);
    assert.deepEqual(toInstant('2026-03-29T01:59:59', ''), ['2026-03-29T00:59:59', false, false]);
    assert.deepEqual(toInstant('2026-03-29T03:00:00', ''), ['2026-03-29T01:00:00', false, false]);
  });
});

describe('civil dates', () => {
  it('are what Temporal says for every day from 1970 to 2199', () => {
    let date = new Temporal.PlainDate(1970, 1, 1);
    for (let day = 0; date.year < 2200; day += 1) {
      const packed = date.year * 10_000 + date.month * 100 + date.day;
      const found = [packedDate(day), weekdayOf(day) + 1, dayNumber(date.year, date.month, date.day)];
      if (found[0] !== packed || found[1] !== date.dayOfWeek || found[2] !== day) assert.fail(`${date} ${found}`);
      date = date.add({ days: 1 });
    }
  });
  it('are read strictly', () => {
    assert.equal(isoDate(parseIsoDate('2028-02-29')), '2028-02-29');
    for (const text of ['2026-02-29', '2026-13-01', '2026-00-10', '2026-1-1', '20260101', '2026-01-01T00:00:00']) {
      assert.ok(Number.isNaN(parseIsoDate(text)), text);
    }
    for (const text of ['24:00:00', '12:60:00', '12:00', '1:00:00']) assert.ok(Number.isNaN(parseTimeOfDayMs(text)));
    assert.equal(parseLocalMs('1970-01-02T00:00:01'), dayMs + 1000);
    assert.ok(Number.isNaN(parseLocalMs('2026-01-01 00:00:00')));
  });
});

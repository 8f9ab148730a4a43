import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DstFlag, LocalClock } from '../../../src/providers/decode/local-start.ts';
import { decode } from '../kpn-sp16/decode-in-test.ts';
import { gzipped, line } from '../kpn-sp16/sp16-bytes.ts';

/** Local starts on the night of 25 October 2026, as the spool has them. */
async function night(starts: [time: string, dst?: string][], day = '20261025') {
  const lines = starts.map(([time, dst], index) => line({ id: String(index), start: day + time, dst: dst ?? ' ' }));
  const { rows } = await decode(gzipped(lines));
  return rows.map((row) => [new Date(row.started_at).toISOString().slice(11, 19), row.ambiguous, row.shifted]);
}

test('the flag decides the hour that autumn repeats', async () => {
  const rows = await night([
    ['013000', 'S'],
    ['023000', 'W'],
    ['023000', 'S'],
    ['023100', 'W'],
    ['033000', 'W'],
  ]);
  assert.deepEqual(rows, [
    ['23:30:00', 'f', 'f'],
    ['01:30:00', 'f', 'f'],
    ['00:30:00', 'f', 'f'],
    ['01:31:00', 'f', 'f'],
    ['02:30:00', 'f', 'f'],
  ]);
});

test('without a flag the order of the lines decides: first pass until the time goes back', async () => {
  const rows = await night([['015900'], ['021000'], ['025959'], ['020000'], ['025000'], ['030000']]);
  assert.deepEqual(rows, [
    ['23:59:00', 'f', 'f'],
    ['00:10:00', 't', 'f'],
    ['00:59:59', 't', 'f'],
    ['01:00:00', 'f', 'f'],
    ['01:50:00', 'f', 'f'],
    ['02:00:00', 'f', 'f'],
  ]);
});

test('lines that are in no order prove nothing: first pass, and said to be ambiguous', async () => {
  const rows = await night([['120000'], ['025000'], ['080000'], ['021000'], ['020000']]);
  assert.deepEqual(
    rows.filter((row) => row[1] === 't').map((row) => row[0]),
    ['00:50:00', '00:10:00', '00:00:00'],
  );
});

test('a correction neither follows the order nor breaks it', async () => {
  const lines = [
    line({ id: '1', start: '20261025025000' }),
    line({ id: '2', start: '20261025021000', correction: 'C', original: 'X' }),
    line({ id: '3', start: '20261025025500' }),
  ];
  const { rows } = await decode(gzipped(lines));
  assert.deepEqual(
    rows.map((row) => row.started_at.slice(-6)),
    ['+02:00', '+02:00', '+02:00'],
  );
});

test('a time that spring leaves out is moved an hour on and marked, its local text kept', async () => {
  assert.deepEqual(await night([['015959'], ['023000'], ['030000']], '20260329'), [
    ['00:59:59', 'f', 'f'],
    ['01:30:00', 'f', 't'],
    ['01:00:00', 'f', 'f'],
  ]);
  const { rows } = await decode(gzipped([line({ start: '20260329023000' })]));
  assert.equal(rows[0]!.local_start, '2026-03-29 02:30:00');
});

test('agrees with Temporal around every switch of a year, in zones of all sorts', () => {
  for (const zone of [
    'Europe/Amsterdam',
    'Atlantic/Azores',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'America/New_York',
  ]) {
    const clock = new LocalClock(zone);
    let at = Temporal.ZonedDateTime.from(`2026-01-01T00:00:00[${zone}]`);
    for (let next = at.getTimeZoneTransition('next'); at.year < 2027; next = at.getTimeZoneTransition('next')) {
      const noon = at.toPlainDate().toPlainDateTime({ hour: 12 }).subtract({ days: 1 });
      for (let quarter = 0; quarter < 192; quarter += 1) compare(clock, zone, noon.add({ minutes: 15 * quarter }));
      if (next === null) break;
      at = next;
    }
  }
});

function compare(clock: LocalClock, zone: string, local: Temporal.PlainDateTime): void {
  const date = local.year * 10_000 + local.month * 100 + local.day;
  const dst: DstFlag = local.minute % 2 === 0 ? 'S' : 'W';
  const answer = clock.resolve(date, local.hour * 3600 + local.minute * 60, dst, true);
  const later = local.toZonedDateTime(zone, { disambiguation: 'later' });
  const gap = !later.toPlainDateTime().equals(local);
  const expected = dst === 'W' || gap ? later : local.toZonedDateTime(zone, { disambiguation: 'earlier' });
  assert.equal(answer.startMs, expected.epochMilliseconds, `${local} in ${zone}`);
  assert.equal(answer.shifted, gap, `${local} in ${zone}`);
}

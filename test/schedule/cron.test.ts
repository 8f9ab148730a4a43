import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCron } from '../../src/schedule/cron.ts';

const amsterdam = {
  zone: 'Europe/Amsterdam',
  spring: ['2026-03-28T22:00:00Z', '2026-03-29T06:30:00Z'], // 02:00 to 03:00 does not exist
  autumn: ['2026-10-24T22:00:00Z', '2026-10-25T06:30:00Z'], // 02:00 to 03:00 happens twice
} as const;
const sydney = {
  zone: 'Australia/Sydney',
  spring: ['2026-10-03T13:00:00Z', '2026-10-03T19:30:00Z'],
  autumn: ['2026-04-04T13:00:00Z', '2026-04-04T19:30:00Z'],
} as const;
/** Its switches are of half an hour. */
const lordHowe = {
  zone: 'Australia/Lord_Howe',
  spring: ['2026-10-03T13:00:00Z', '2026-10-03T19:30:00Z'],
  autumn: ['2026-04-04T13:00:00Z', '2026-04-04T19:30:00Z'],
} as const;

/** UTC times of the night of the spring switch, and of the autumn switch. */
for (const [line, place, spring, autumn] of [
  // a fixed time that does not exist is due at the switch, one that exists twice at its first pass
  ['30 2 * * *', amsterdam, '01:00', '00:30'],
  ['0 2 * * *', amsterdam, '01:00', '00:00'],
  ['0 3 * * *', amsterdam, '01:00', '02:00'],
  ['30 1 * * *', amsterdam, '00:30', '23:30'],
  ['30 2 * * 0', amsterdam, '01:00', '00:30'],
  // lists and ranges are fixed times too; those that the switch leaves out are one slot
  ['0,30 2 * * *', amsterdam, '01:00', '00:00 00:30'],
  ['0-30/30 2 * * *', amsterdam, '01:00', '00:00 00:30'],
  ['30 1-3 * * *', amsterdam, '00:30 01:00 01:30', '23:30 00:30 02:30'],
  ['15 2,3 * * *', amsterdam, '01:00 01:15', '00:15 02:15'],
  // a wildcard follows the wall: there was no hour 2, and there were two
  ['*/30 2 * * *', amsterdam, '', '00:00 00:30 01:00 01:30'],
  ['0 * * * *', amsterdam, '23:00 00:00 01:00 02:00 03:00 04:00 05:00 06:00', 'the same'],
  ['30 2 * * *', sydney, '16:00', '15:30'],
  ['0,30 2 * * *', sydney, '16:00', '15:00 15:30'],
  ['0 3 * * *', sydney, '16:00', '17:00'],
  ['*/30 2 * * *', sydney, '', '15:00 15:30 16:00 16:30'],
  ['0 2 * * *', lordHowe, '15:30', '15:30'],
  ['30 1 * * *', lordHowe, '15:00', '14:30'],
  ['*/30 2 * * *', lordHowe, '15:30', '15:30 16:00'],
] as const) {
  for (const season of ['spring', 'autumn'] as const) {
    const [from, to] = place[season];
    const expected = season === 'spring' ? spring : autumn === 'the same' ? spring : autumn;
    test(`"${line}" in the ${season} night of ${place.zone} is due at ${expected || 'no time'} UTC, forwards or backwards`, () => {
      const cron = parseCron(line, place.zone);
      const forwards: Date[] = [];
      for (let at = cron.next(new Date(from)); at <= new Date(to); at = cron.next(at)) forwards.push(at);
      assert.equal(forwards.map((due) => due.toISOString().slice(11, 16)).join(' '), expected);
      assert.deepEqual(cron.between(new Date(Date.parse(from) + 1), new Date(to), 100), forwards);
      // a node may look at any moment, also between the two passes of an hour
      for (let atMs = Date.parse(from); atMs < Date.parse(to); atMs += 15 * 60_000 + 1) {
        const seen = forwards.filter((due) => due.getTime() <= atMs);
        assert.deepEqual(cron.between(new Date(Date.parse(from) + 1), new Date(atMs), 100), seen);
        if (seen.length < forwards.length) assert.deepEqual(cron.next(new Date(atMs)), forwards[seen.length]);
      }
    });
  }
}

test('the newest slots are kept when there are more than asked for', () => {
  const [from, to] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-07-01T00:00:00Z')];
  for (const line of ['0 4 * * *', '0 * * * *']) {
    const slots = parseCron(line, 'Europe/Amsterdam').between(from, to, 3);
    assert.equal(slots.length, 3, line);
    assert.ok(slots[0]! < slots[1]! && slots[1]! < slots[2]!);
    assert.ok(to.getTime() - slots[2]!.getTime() < 86_400_000);
  }
});

test('a bad line or zone is refused by name', () => {
  assert.throws(() => parseCron('* * * *', 'Europe/Amsterdam'), /must have five fields/);
  assert.throws(() => parseCron('61 * * * *', 'Europe/Amsterdam'), /cron line "61 \* \* \* \*"/);
  assert.throws(() => parseCron('0 0 31 2 *', 'Europe/Amsterdam'), /never fires/);
  assert.throws(() => parseCron('* * * * *', 'Europe/Amsterdm'), /time zone "Europe\/Amsterdm" is unknown/);
});

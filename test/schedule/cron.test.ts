import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueBetween, nextDue, parseCron } from '../../src/schedule/cron.ts';

const spring = ['2026-03-28T22:00:00Z', '2026-03-29T06:30:00Z'] as const;
const autumn = ['2026-10-24T22:00:00Z', '2026-10-25T06:30:00Z'] as const;

for (const [line, night, [from, to], expected] of [
  ['30 2 * * *', 'spring', spring, '01:00'], // 02:30 does not exist: right after the switch
  ['0 2 * * *', 'spring', spring, '01:00'],
  ['0 3 * * *', 'spring', spring, '01:00'],
  ['30 1 * * *', 'spring', spring, '00:30'],
  ['30 2 * * *', 'autumn', autumn, '00:30'], // 02:30 happens twice: once, at the first
  ['0 2 * * *', 'autumn', autumn, '00:00'],
  ['0 3 * * *', 'autumn', autumn, '02:00'],
  ['0 * * * *', 'spring', spring, '23:00 00:00 01:00 02:00 03:00 04:00 05:00 06:00'],
  ['0 * * * *', 'autumn', autumn, '23:00 00:00 01:00 02:00 03:00 04:00 05:00 06:00'],
  ['*/30 2 * * *', 'spring', spring, ''], // a wildcard follows the wall: there was no hour 2
  ['*/30 2 * * *', 'autumn', autumn, '00:00 00:30 01:00 01:30'], // and here were two
] as const) {
  test(`"${line}" in Amsterdam's ${night} night is due at ${expected || 'no time'} UTC, asked forwards or backwards`, () => {
    const cron = parseCron(line, 'Europe/Amsterdam');
    const forwards: Date[] = [];
    for (let at = nextDue(cron, new Date(from)); at <= new Date(to); at = nextDue(cron, at)) forwards.push(at);
    const backwards = dueBetween(cron, new Date(Date.parse(from) + 1), new Date(to), 100);
    assert.equal(forwards.map((due) => due.toISOString().slice(11, 16)).join(' '), expected);
    assert.deepEqual(backwards, forwards);
  });
}

test('a bad line or zone is refused by name', () => {
  assert.throws(() => parseCron('* * * *', 'Europe/Amsterdam'), /must have five fields/);
  assert.throws(() => parseCron('61 * * * *', 'Europe/Amsterdam'), /cron line "61 \* \* \* \*"/);
  assert.throws(() => parseCron('0 0 31 2 *', 'Europe/Amsterdam'), /never fires/);
  assert.throws(() => parseCron('* * * * *', 'Europe/Amsterdm'), /time zone "Europe\/Amsterdm" is unknown/);
});

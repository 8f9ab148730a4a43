import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose, type HostAnswer, type Identity } from '../../../src/database/hosts/choose.ts';

const primary = (timeline: number, system = 'x'): HostAnswer => ({
  facts: { standby: false, writable: true, system, timeline },
});
const standby = (system = 'x'): HostAnswer => ({
  facts: { standby: true, writable: false, system, timeline: null },
});
const readOnly: HostAnswer = { facts: { standby: false, writable: false, system: 'x', timeline: 1 } };
const mute: HostAnswer = { facts: { standby: false, writable: true, system: null, timeline: null } };
const gone: HostAnswer = { error: new Error('refused') };
const known = (timeline: number, system = 'x'): Identity => ({ system, timeline });

const cases: [string, HostAnswer[], Identity | null, number | null, string, number | null][] = [
  ['the first that takes writes', [standby(), primary(1), gone], null, null, 'standby primary away', 1],
  ['none while only standbys answer', [gone, standby()], known(1), 0, 'away standby', null],
  ['none that is read-only', [readOnly, standby()], known(1), 0, 'read-only standby', null],
  ['the higher timeline, in whatever order', [primary(1), primary(2)], null, null, 'old primary', 1],
  ['the higher timeline, though the old one was in use', [primary(1), primary(2)], known(1), 0, 'old primary', 1],
  ['no lower timeline than the one known', [primary(1), gone], known(2), 1, 'old away', null],
  ['the current one among equals', [primary(1), primary(1)], known(1), 1, 'primary primary', 1],
  ['no other cluster than the one known', [primary(7, 'y'), primary(1)], known(1), null, 'foreign primary', 1],
  ['no other cluster than the first that answers', [standby(), primary(7, 'y')], null, null, 'standby foreign', null],
  ['none of several that keeps its cluster to itself', [mute, primary(1)], null, null, 'unknown primary', 1],
  ['one alone that keeps it to itself', [mute], null, null, 'primary', 0],
  ['the next one while the first is silent', [null, primary(2)], known(1), 0, 'silent primary', 1],
];

for (const [what, answers, identity, current, verdicts, chosen] of cases) {
  test(`of several hosts: ${what}`, () => {
    const choice = choose(answers, identity, current);
    assert.deepEqual([choice.verdicts.join(' '), choice.chosen], [verdicts, chosen]);
  });
}

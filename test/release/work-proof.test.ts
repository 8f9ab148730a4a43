import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type LifeSigns } from '../../src/release/work-proof.ts';

const engine = {
  bootId: 'a',
  lanes: 64,
  busy: 2,
  claimedMsAgo: 10,
  beatMsAgo: 10,
  carried: 0,
  provenMsAgo: 1_000,
  refused: null,
};
const working: LifeSigns = {
  database: { kind: 'up', sinceMs: 0 },
  isPrepared: true,
  probedMsAgo: 4_000,
  workingForMs: 600_000,
  engine,
  openChains: 12,
  downSince: null,
};
const down = { kind: 'down', sinceMs: 0, failures: 9, error: new Error('connect ECONNREFUSED') } as const;

const cases: readonly [string, Partial<LifeSigns>, boolean, RegExp][] = [
  ['a row that got through lately is proof', {}, true, /^working: 2 of 64 lanes busy, 12 chains open$/],
  ['a row that got through long ago is none', { engine: { ...engine, provenMsAgo: 31_000 } }, false, /last 31 s ago/],
  ['no row ever is none', { engine: { ...engine, provenMsAgo: null } }, false, /last never/],
  [
    'a full disk that was met lately is waited out',
    { engine: { ...engine, provenMsAgo: 600_000, refused: { msAgo: 2_000, why: 'could not extend file (53100)' } } },
    true,
    /^degraded: the database takes no writes: could not extend file \(53100\)$/,
  ],
  [
    'a full disk that was met long ago excuses nothing: nobody asks any more',
    { engine: { ...engine, provenMsAgo: 600_000, refused: { msAgo: 31_000, why: 'could not extend file (53100)' } } },
    false,
    /no row of this node's own got through/,
  ],
  ['an engine that stays away is none', { engine: null }, false, /no row of this node's own got through/],
  [
    'a proof is not owed yet after a start or an outage',
    { engine: null, workingForMs: 29_000 },
    true,
    /engine is being/,
  ],
  ['a prober that no longer tries is dead', { probedMsAgo: 31_000 }, false, /last looked for 31 s ago/],
  ['a prober that never tried is dead', { probedMsAgo: null }, false, /last looked for never/],
  ['nor does the database being away excuse it', { database: down, probedMsAgo: 31_000 }, false, /last looked for/],
  ['a schema in preparation needs no row', { isPrepared: false, engine: null }, true, /^starting: the schema/],
  [
    'without a database its tries are the proof',
    { database: down, engine: null, downSince: new Date('2026-04-01T10:00:00Z') },
    true,
    /^degraded: database unreachable since 2026-04-01T10:00:00Z: connect ECONNREFUSED$/,
  ],
];

for (const [name, signs, proven, status] of cases) {
  test(name, () => {
    const verdict = judge({ ...working, ...signs }, 30_000);
    assert.equal(verdict.proven, proven);
    assert.match(verdict.status, status);
  });
}

test('a short watchdog does not ask for more than a healthy prober gives', () => {
  assert.equal(judge({ ...working, probedMsAgo: 9_000 }, 1_000).proven, true);
  assert.equal(judge({ ...working, probedMsAgo: 13_000 }, 1_000).proven, false);
});

/** How often a beat reads what its node runs: rows of one boot id, and an orphan among them that two looks release. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createLease, trackClaims } from '../../src/chains/lease.ts';
import { openSessions } from '../../src/chains/sessions.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let server: TestDatabase;
before(async () => {
  server = await testDatabase();
});
after(() => server.close());

/** The beats, counted from 1, at which a row that nobody holds was released. */
async function releasedAt(lookMs: number): Promise<number> {
  const bootId = randomUUID();
  const sessions = openSessions(
    (options) => openDatabase(server.url, options),
    bootId,
    () => {},
  );
  let clockMs = 0;
  let readings = 0;
  let released = 0;
  let beat = 0;
  const lease = createLease({
    bootId,
    sessions,
    nodeInfo: { host: 'test', pid: 1, release: '0.1.0', schema: '0001_engine' },
    suspects: false,
    leaseMs: 6_000,
    beatMs: 2_000,
    // read before a beat's statement, and after it when it looked
    nowMs: () => clockMs + (readings++ === 0 ? 0 : lookMs),
    held: new Map(),
    claims: trackClaims(),
    alwaysFree: () => true,
    onReleased: () => {
      released = beat;
    },
  });
  await lease.register();
  await sessions.engine.query(
    `insert into chain (name, step, state, owner, token, traceparent, input) values ('x', 'a', 'running', $1, 1, 't', '{}')`,
    [bootId],
  );
  while (released === 0 && beat < 10) {
    beat += 1;
    readings = 0;
    assert.equal(await lease.renew(), 'renewed');
    clockMs += 2_000;
  }
  const [node] = await sessions.engine.query<{ beat: string }>('select beat from node where id = $1', [bootId]);
  assert.equal(Number(node!.beat), beat);
  await sessions.close(1_000);
  return released;
}

test('a beat looks at what its node runs, every third one when looking takes long; each of them renews the lease', async () => {
  assert.equal(await releasedAt(5), 2);
  assert.equal(await releasedAt(600), 4);
});

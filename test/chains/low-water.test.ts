import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { claim, claimReady } from '../../src/chains/claim.ts';
import { createLowWater, fromZero } from '../../src/chains/low-water.ts';
import { readOwnersGone } from '../../src/chains/recovery.ts';
import { plannerPins } from '../../src/chains/sessions.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { buffersOf } from '../support/buffers.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let server: TestDatabase;
let engine: Database;
before(async () => {
  server = await testDatabase();
  engine = openDatabase(server.url, { applicationName: 'engine', max: 1, settings: plannerPins });
});
after(async () => {
  await engine.close();
  await server.close();
});

const bootId = '00000000-0000-4000-8000-000000000000';
const insert = `
  insert into chain (name, step, priority, run_at, traceparent, input)
  select 'c', 'a', $2, now() - make_interval(secs => $1::float8), 't', '{}' from generate_series(1, $3::integer)`;

test('an old transaction makes claims from zero read what is dead, and claims from the mark do not', async () => {
  const other = openDatabase(server.url, { applicationName: 'forgotten', max: 1 });
  await other.read(async (session) => {
    await session.query('select 1');
    const lowWater = createLowWater();
    let atMs = 0;
    const take = (count: number) => {
      // a claim from zero that took a second: the next one is not due for four
      const nowMs = () => (atMs += 1_000);
      return claim(engine, { bootId, count, lowestPriority: 0, known: ['c 1'], suspects: null, lowWater, nowMs });
    };
    for (const priority of [1, 2]) {
      await engine.query(insert, [60, priority, 4_000]);
      await engine.query(insert, [10, priority, 1]);
    }
    assert.equal((await take(8_002)).length, 8_002);
    await engine.query(insert, [5, 1, 3]);
    await engine.query(insert, [5, 2, 3]);
    await engine.query('vacuum chain');
    const mark = lowWater.begin(atMs);
    assert.notEqual(mark, fromZero);
    const values = (beginning: readonly number[]) => [bootId, 4, 0, ['c 1'], null, beginning];
    const fromTheMark = await buffersOf(engine, claimReady, values(mark));
    const fromTheStart = await buffersOf(engine, claimReady, values(fromZero));
    assert.ok(fromTheMark < 100 && fromTheStart > 200, `${fromTheMark} and ${fromTheStart} blocks`);
    // nor does this node's look for chains of nodes that are gone read what it has run itself
    const gone = await buffersOf(engine, readOwnersGone, [bootId]);
    assert.ok(gone < 20, `${gone} blocks`);
    // the more urgent ones first, all the same
    assert.deepEqual((await take(4)).map(({ priority }) => priority).sort(), [1, 1, 1, 2]);
  });
  await other.close();
});

test('what becomes ready in front of the mark is taken by the next claim from zero', async () => {
  await engine.query('truncate chain');
  const lowWater = createLowWater();
  let atMs = 0;
  const take = async (count: number, tookMs: number) => {
    let readings = 0;
    const nowMs = () => atMs + (readings++ === 0 ? 0 : tookMs);
    const found = await claim(engine, {
      bootId,
      count,
      lowestPriority: 0,
      known: ['c 1'],
      suspects: null,
      lowWater,
      nowMs,
    });
    atMs += tookMs;
    return found.length;
  };
  await engine.query(insert, [0, 2, 1]);
  assert.equal(await take(5, 10), 1);
  await engine.query(insert, [3_600, 2, 1]);
  assert.equal(await take(5, 10), 0);
  atMs += 189;
  assert.equal(await take(5, 0), 0);
  atMs += 1;
  assert.equal(await take(5, 10), 1);
});

test('however long a claim from zero takes, the next one comes within four seconds', () => {
  const lowWater = createLowWater();
  lowWater.end(lowWater.begin(0), [{ priority: 2, runAtS: 100 }], 0, 60_000);
  assert.deepEqual(lowWater.begin(63_999), [
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    99,
    Number.NEGATIVE_INFINITY,
  ]);
  assert.equal(lowWater.begin(64_000), fromZero);
});

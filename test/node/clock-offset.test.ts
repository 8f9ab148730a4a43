import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { readClock, watchClock } from '../../src/node/clock-offset.ts';
import { harness } from '../chains/harness.ts';

const h = await harness();
after(() => h.close());

test('a clock is read against the database within half a round trip', async () => {
  for (const aheadMs of [0, 3_600_000, -3_600_000, 29_000]) {
    const reading = await readClock(h.database, () => Date.now() + aheadMs);
    assert.ok(Math.abs(reading!.offsetMs - aheadMs) <= reading!.withinMs + 2, JSON.stringify(reading));
  }
});

test('a round trip that took too long, or during which the clock was set, says nothing', async () => {
  for (const jumpMs of [5_001, -1]) {
    let reads = 0;
    assert.equal(await readClock(h.database, () => 1_000_000 + jumpMs * reads++), null);
  }
});

test('a node that is off is an alert until its clock is right, and its row says by how much', async () => {
  const bootId = randomUUID();
  await h.database.query(`insert into node (id, host, pid, release) values ($1, 'h', 1, '0.1.0')`, [bootId]);
  const told: string[] = [];
  let aheadMs = 0;
  const watch = watchClock({
    database: h.database,
    alerts: {
      raise: ({ rule, subject, message }) => void told.push(`raise ${rule} ${subject}: ${message}`),
      resolve: (rule, subject) => void told.push(`resolve ${rule} ${subject}`),
    },
    node: () => 'h a',
    bootId: () => bootId,
    wallMs: () => Date.now() + aheadMs,
  });
  const offset = async () =>
    (await h.database.query('select clock_offset_ms as ms from node where id = $1', [bootId]))[0]!.ms;
  await watch.check();
  // a process before this one may have left it open
  assert.deepEqual(told.splice(0), ['resolve node.clock-offset h a']);
  await watch.check();
  assert.deepEqual(told, []);
  aheadMs = -3_600_000;
  await watch.check();
  assert.match(
    told.splice(0).join(),
    /^raise node.clock-offset h a: the clock of node h a is 3\d{3}\.\d s behind the database's/,
  );
  assert.ok(Math.abs((await offset()) - aheadMs) < 5_000);
  aheadMs = 45_000;
  await watch.check();
  assert.match(told.splice(0).join(), /is 4\d\.\d s ahead of the database's, more than 30 s/);
  aheadMs = 25_000;
  await watch.check();
  await watch.check();
  assert.deepEqual(told, ['resolve node.clock-offset h a']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { database } from '../../actors/database.ts';
import type { Availability, AvailabilityState } from '../../src/database/availability.ts';
import { DatabaseDownError } from '../../src/database/session.ts';
import { type SupervisionEvent, startTree, supervisor } from '../../supervisors/tree.ts';
import { until } from '../chains/harness.ts';

test('what a node must keep up, such as the partitions of its log, is done again and again, also after an outage', async () => {
  const events: SupervisionEvent[] = [];
  const reported: unknown[] = [];
  let maintained = 0;
  const up: AvailabilityState = { kind: 'up', sinceMs: 0 };
  const availability = {
    state: () => up,
    subscribe: () => () => {},
    report: (error: unknown) => reported.push(error) > 0,
  } as unknown as Availability;
  const spec = database({
    availability,
    prepare: async () => {},
    async maintain() {
      maintained += 1;
      if (maintained === 2) throw new DatabaseDownError('away');
    },
    maintainEveryMs: 1,
    onPrepared() {},
    isUnsuitable: () => false,
    onUnsuitable() {},
    onGiveUp() {},
    alerts: { raise() {}, resolve() {}, flush: async () => {} },
    giveUpMs: 60_000,
    nowMs: () => 0,
  });
  const root = await startTree(supervisor({ id: 'root', children: [spec] }), {
    report: (event) => void events.push(event),
  });
  await until(
    async () => maintained,
    (seen) => seen >= 4,
  );
  await root.stop(1_000);
  assert.equal(reported.length, 1);
  assert.deepEqual(events, []);
});

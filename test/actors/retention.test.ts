import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retention } from '../../actors/retention.ts';
import { DatabaseDownError, PoolBusyError } from '../../src/database/session.ts';
import { type SupervisionEvent, startTree, supervisor } from '../../supervisors/tree.ts';
import { FakeClock, idle } from '../supervisors/recorder.ts';

const nothing = { partitions: [], busy: [], rows: {}, more: false };

async function run(
  batches: readonly (number | Error)[],
  work: (clock: FakeClock, events: SupervisionEvent[]) => Promise<void>,
  upAtMs = 0,
) {
  const clock = new FakeClock();
  const events: SupervisionEvent[] = [];
  const carriedAt: number[] = [];
  const removedAt: number[] = [];
  let isUp = upAtMs === 0;
  const spec = retention({
    async carry() {
      carriedAt.push(clock.now());
      const batch = batches[carriedAt.length - 1] ?? 0;
      if (batch instanceof Error) throw batch;
      return { carried: batch, more: batch === 10 };
    },
    async remove() {
      removedAt.push(clock.now());
      return nothing;
    },
    availability: {
      isUp: () => isUp,
      report: (error) => {
        isUp = !(error instanceof DatabaseDownError);
        return !isUp;
      },
      whenUp: async () => {},
    },
    carryEveryMs: 1_000,
    removeEveryMs: 1e9,
    nowMs: clock.now,
    log: { info() {}, warn() {} },
  });
  const environment = {
    report: (event: SupervisionEvent) => void events.push(event),
    now: clock.now,
    timer: clock.timer,
  };
  const root = await startTree(supervisor({ id: 'root', children: [spec] }), environment);
  await idle();
  if (upAtMs > 0) {
    await clock.advance(upAtMs);
    isUp = true;
  }
  await work(clock, events);
  await root.stop(1_000);
  return { carriedAt, removedAt };
}

test('a full batch is followed by the next one at once, any other by a longer wait', async () => {
  const { carriedAt } = await run([10, 10, 3], async (clock) => {
    for (let passed = 0; passed < 1_100; passed += 10) await clock.advance(10);
  });
  assert.deepEqual(carriedAt, [0, 20, 40, 1_040]);
});

test("a busy pool and a database that is away are waited out, and are nobody's crash", async () => {
  const { carriedAt } = await run(
    [new PoolBusyError('all busy'), new DatabaseDownError('gone'), 10],
    async (clock, events) => {
      for (let passed = 0; passed < 5_000; passed += 100) await clock.advance(100);
      assert.deepEqual(events, []);
    },
  );
  assert.deepEqual(carriedAt, [0, 1_000]);
});

test('a service that starts before its database does not wait an hour to remove what is old', async () => {
  const { removedAt } = await run([], (clock) => clock.advance(1_000), 500);
  assert.deepEqual(removedAt, [1_000]);
});

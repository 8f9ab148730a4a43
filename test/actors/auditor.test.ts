import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type AuditorState, auditor } from '../../actors/auditor.ts';
import { scheduler } from '../../actors/scheduler.ts';
import { DatabaseDownError, PoolBusyError } from '../../src/database/session.ts';
import { openFindings } from '../../src/services/findings.ts';
import { type SupervisionEvent, startTree, supervisor } from '../../supervisors/tree.ts';
import { harness, until } from '../chains/harness.ts';

const h = await harness();
after(() => h.close());

const availability = {
  isUp: () => true,
  report: (error: unknown) => error instanceof DatabaseDownError,
  whenUp: async () => {},
};

test('what an auditor before this one raised is resolved when it is over, other alerts are left alone', async () => {
  await h.database.query(
    `insert into alert (rule, subject, level, message) values
       ('schedule.late', 'sync:manager', 'critical', 'x'), ('chain.dead', 'chain 1', 'critical', 'x')`,
  );
  const resolved: string[] = [];
  let looked: AuditorState | null = null;
  const spec = auditor({
    find: async () => [],
    openFindings: () => openFindings(h.database),
    report: (state) => {
      looked = state;
    },
    alerts: { raise() {}, resolve: (rule, subject) => void resolved.push(`${rule} ${subject}`), flush: async () => {} },
    availability,
    intervalMs: 60_000,
    nowMs: () => 0,
  });
  const root = await startTree(supervisor({ id: 'root', children: [spec] }), { report() {} });
  await until(
    async () => looked,
    (state) => state !== null,
  );
  await root.stop(1_000);
  assert.deepEqual(resolved, ['schedule.late sync:manager']);
});

test('a pool without a free session is no crash of the scheduler', async () => {
  const events: SupervisionEvent[] = [];
  let looks = 0;
  const spec = scheduler({
    async fireDue() {
      looks += 1;
      throw new PoolBusyError('all sessions stayed busy');
    },
    clock: { check: async () => null },
    looksPerClock: 1,
    availability,
    intervalMs: 1,
  });
  const root = await startTree(supervisor({ id: 'root', children: [spec] }), {
    report: (event) => void events.push(event),
  });
  await until(
    async () => looks,
    (seen) => seen > 5,
    2_000,
  );
  await root.stop(1_000);
  // the next look may be on its way when the tree is stopped
  assert.deepEqual(
    events.filter((event) => event.type !== 'messages-dropped'),
    [],
  );
});

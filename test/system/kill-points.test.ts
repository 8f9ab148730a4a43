/**
 * SIGKILL at every stop point in every step of the main job, also while a COPY and the swap are open, in the process that
 * `npm start` runs. A job is killed in one step after the other, never twice in one: that would be a suspect. Each kill asserts that
 * the point was reached and that work was unfinished then; afterwards a new process finishes the job, and every digest is that of
 * a run that nobody disturbed.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { oracleBreaches } from '../../src/totals/oracle.ts';
import { call, type RunningService, startService, until, working } from '../support/service.ts';
import { makeWorld, type World } from '../support/world.ts';

const steps = ['fetch', 'import', 'rate', 'totals'] as const;
const beforeCommit = ['after-claim', 'mid-handler', 'after-handler', 'mid-commit-callback', 'before-commit'];
/** The next step is claimed by then, and is what the kill makes a suspect. */
const behindCommit = ['after-commit', 'before-ack'];
/** While rows stream into `cdr` and `rated_cdr`, and in the midst of the statements that swap the generations. */
const inTheMidst = [
  ['mid-copy:import', 'mid-copy:rate', 'mid-commit-callback:totals:7'],
  ['mid-sweep:import', 'mid-commit-callback:totals:12'],
];
const jobs = [
  ...beforeCommit.map((point) => steps.map((step) => `${point}:${step}`)),
  ...behindCommit.flatMap((point) => [
    [`${point}:fetch`, `${point}:rate`],
    [`${point}:import`, `${point}:totals`],
  ]),
  ...inTheMidst,
];
/** Behind the last commit nothing is left to be done. */
const finished = new Set(['after-commit:totals', 'before-ack:totals']);

// two at once: a round mostly waits for leases and starts
describe('the main job survives SIGKILL', { concurrency: 2 }, () => {
  let world: World;
  let undisturbed: string;

  before(async () => {
    world = await makeWorld(['--records', '1500', '--subs', '6', '--customers', '1', '--months', '2026-03,2026-04']);
    undisturbed = await run();
    assert.notEqual(undisturbed, '');
  });
  after(() => world.close());

  for (const points of jobs) {
    test(`at ${points.join(', ')}`, async () => {
      assert.equal(await run(...points), undisturbed);
    });
  }

  test('at mid-recovery, of the process that takes over', async () => {
    assert.equal(await run('mid-handler:import', 'mid-recovery'), undisturbed);
  });

  /** Runs the job, killed at each of the points in turn; resolves to the digests of all totals. */
  async function run(...killedAt: string[]): Promise<string> {
    const databaseUrl = await world.database();
    const stateDirectory = mkdtempSync(join(tmpdir(), 'kill-'));
    const database = openDatabase(databaseUrl, { applicationName: 'test', max: 2 });
    const log = join(stateDirectory, 'reached');
    let service: RunningService | null = null;
    try {
      let started = false;
      for (const point of killedAt) {
        const env = { LINEKEEPER_STOP_POINT: point, LINEKEEPER_STOP_POINT_LOG: log, LINEKEEPER_CHAINS_SWEEP_MS: '50' };
        service = startService({ databaseUrl, stateDirectory, env });
        if (!started) await begin(service);
        started = true;
        const { signal } = await service.ended;
        assert.equal(signal, 'SIGKILL', service.output());
        assert.match(readFileSync(log, 'utf8'), new RegExp(`^${point.split(':')[0]} `, 'm'));
        const [task] = await database.query(`select status from sync_task`);
        assert.equal(
          task?.status,
          finished.has(point) ? 'succeeded' : 'open',
          'work was unfinished when it was killed',
        );
      }
      service = startService({ databaseUrl, stateDirectory });
      if (!started) await begin(service);
      await until(`the task to end:\n${stateDirectory}`, () => ended(database));
      assert.deepEqual(readdirSync(join(stateDirectory, 'spool')), [], 'no spool file is left behind');
      return await digests(database);
    } finally {
      await service?.stop();
      await database.close();
    }
  }

  async function begin(service: RunningService): Promise<void> {
    await working(service);
    // the process may be killed before it can answer
    await call(service.socket, 'POST', '/sync/run', { customer: 'C001' }).catch(() => null);
  }
});

async function ended(database: Database): Promise<boolean> {
  const [open] = await database.query(
    `select (select count(*) from sync_task where status <> 'succeeded')::int as tasks,
       (select count(*) from sync_task)::int as "all",
       (select count(*) from chain where state not in ('succeeded'))::int as chains`,
  );
  return open!.all === 1 && open!.tasks === 0 && open!.chains === 0;
}

async function digests(database: Database): Promise<string> {
  const bounds = { consumedWithinSeconds: 0, dueWithinSeconds: 0, endWithinSeconds: 60 };
  assert.deepEqual(await oracleBreaches(database, bounds), { unconsumedTasks: [], silentProfiles: [] });
  assert.deepEqual(await auditChains(database), []);
  const [effects] = await database.query(
    `select (select count(*) from raw_file where state = 'imported')::int as files,
       (select count(*) from (select 1 from cdr where state = 'active' group by contract_id, record_key having count(*) > 1) d)::int as doubled`,
  );
  assert.deepEqual(effects, { files: 2, doubled: 0 });
  const rows = await database.query(
    `select cycle_start::text || ' ' || generation || ' ' || encode(digest, 'hex') as line from total_generation
     where state = 'current' order by cycle_start`,
  );
  return rows.map((row) => row.line).join('\n');
}

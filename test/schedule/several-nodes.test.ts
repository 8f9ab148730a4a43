import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { until } from '../chains/harness.ts';
import { type ScheduleHarness, scheduleHarness } from './harness.ts';

const running = new Set<ChildProcess>();
let h: ScheduleHarness;
before(async () => {
  h = await scheduleHarness();
});
after(async () => {
  for (const child of running) child.kill('SIGKILL');
  await h.close();
});

interface FiringNode {
  /** How far its clock is from the database's, as it says itself. */
  readonly clockAheadMs: number;
  kill(): void;
  stop(): Promise<{ fired: number; errors: string[] }>;
}

/** `clock` as faketime knows it, such as `+1h`; null: the machine's. */
async function firingNode(clock: string | null): Promise<FiringNode> {
  const node = [process.execPath, join(import.meta.dirname, 'firing-node.ts'), h.url];
  const [command, ...args] = clock === null ? node : ['faketime', '-f', clock, ...node];
  const child = spawn(command!, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, DONT_FAKE_MONOTONIC: '1' },
  });
  running.add(child);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const first = await lines.next();
  assert.equal(first.done, false, 'the node did not start');
  const clockAheadMs = Number(first.value);
  return {
    clockAheadMs,
    kill() {
      child.kill('SIGKILL');
      running.delete(child);
    },
    async stop() {
      child.stdin!.end();
      const last = await lines.next();
      if (child.exitCode === null) await once(child, 'exit');
      running.delete(child);
      return JSON.parse(String(last.value));
    },
  };
}

/** The slots of a schedule by period are whole: from the first to the last none is missing and none is twice. */
async function assertWhole(name: string, periodMs: number): Promise<number> {
  const slots = await h.database.query<{ due_at: Date; result: string; chain_id: string | null }>(
    'select due_at, result, chain_id from schedule_slot where schedule = $1 order by due_at',
    [name],
  );
  const first = slots[0]!.due_at.getTime();
  assert.deepEqual(
    slots.map(({ due_at }) => due_at.getTime()),
    slots.map((_, index) => first + index * periodMs),
  );
  const [row] = await h.database.query<{ next_due_at: Date; n: number }>(
    `select next_due_at, (select count(*)::int from chain where subject = 'schedule ' || s.name) as n
     from schedule s where name = $1`,
    [name],
  );
  assert.equal(row!.next_due_at.getTime(), first + slots.length * periodMs);
  assert.equal(
    row!.n,
    slots.filter(({ result }) => result === 'fired').length,
    'a chain for each fired slot, no other',
  );
  return slots.length;
}

test('three processes, one an hour ahead and one an hour behind, fire each slot once by the clock of the database', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `n${index}`);
  for (const name of names) {
    await h.missed(30, { name, everyMs: 1_000, catchUp: 'all', catchUpMax: 1_000, overlap: 'allow' });
  }
  const nodes = await Promise.all([firingNode(null), firingNode('+1h'), firingNode('-1h')]);
  for (const [index, aheadMs] of [0, 3_600_000, -3_600_000].entries()) {
    assert.ok(Math.abs(nodes[index]!.clockAheadMs - aheadMs) < 60_000, `node ${index}: ${nodes[index]!.clockAheadMs}`);
  }
  // some slots come due while all of them look
  const [began] = await h.database.query<{ at: Date }>('select now() as at');
  await until(
    async () => (await h.database.query<{ at: Date | null }>('select max(due_at) as at from schedule_slot'))[0]!.at,
    (at) => at !== null && at.getTime() >= began!.at.getTime() + 3_000,
    30_000,
  );
  const results = await Promise.all(nodes.map((node) => node.stop()));
  assert.deepEqual(
    results.flatMap(({ errors }) => errors),
    [],
  );
  let slots = 0;
  for (const name of names) slots += await assertWhole(name, 1_000);
  assert.ok(slots >= 8 * 33, `${slots}`);
  const fired = results.map((result) => result.fired);
  assert.equal(
    fired.reduce((sum, one) => sum + one, 0),
    slots,
  );
  const [future] = await h.database.query('select count(*)::int as n from schedule_slot where due_at > at');
  assert.equal(future!.n, 0, 'no slot before its time');
});

test('processes that are killed while they fire leave no slot doubled and none missing', async () => {
  const names = Array.from({ length: 6 }, (_, index) => `k${index}`);
  for (const name of names) {
    await h.missed(200, { name, everyMs: 1_000, catchUp: 'all', catchUpMax: 1_000, overlap: 'allow' });
  }
  const firing = () =>
    h.database.query(
      `select from pg_stat_activity
       where application_name = 'firing node' and datname = current_database() and xact_start < now() - interval '20 ms'
         and query ~ 'insert into chain' and query !~ 'load'`,
    );
  const left = () =>
    h.database.query(`select from schedule where name like 'k%' and next_due_at < now() - interval '1 minute'`);
  let killed = 0;
  while (killed < 3 && (await left()).length > 0) {
    const node = await firingNode(null);
    await until(firing, (sessions) => sessions.length > 0, 20_000);
    node.kill();
    killed += 1;
  }
  assert.ok(killed > 0);
  const node = await firingNode(null);
  await until(left, (late) => late.length === 0, 30_000);
  assert.deepEqual((await node.stop()).errors, []);
  for (const name of names) assert.ok((await assertWhole(name, 1_000)) >= 200);
});

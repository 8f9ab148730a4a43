import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { fourSteps, type Harness, harness, isState, sharedSteps, until } from './harness.ts';

let h: Harness;
const directory = mkdtempSync(join(tmpdir(), 'lk-killed-'));
const children: ChildProcess[] = [];
before(async () => {
  h = await harness();
});
after(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
  await h.close();
});

function node(env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'node-process.ts')], {
    env: { PATH: process.env.PATH, TEST_URL: h.url, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  return child;
}

for (const point of [
  'mid-handler:two',
  'mid-commit-callback:two',
  'before-commit:three',
  'after-commit:one',
] as const) {
  for (const steps of [fourSteps, sharedSteps]) {
    test(`a node killed at ${point} of ${steps.name} loses nothing and doubles nothing: another one goes on within lease periods`, async () => {
      const logFile = join(directory, `${steps.name}-${point}`);
      const enqueue = h.enqueueWith([steps]);
      const { chainId } = await enqueue(h.database, steps, {});
      const child = node({ LINEKEEPER_STOP_POINT: point, LINEKEEPER_STOP_POINT_LOG: logFile });
      const [, signal] = await once(child, 'exit');
      assert.equal(signal, 'SIGKILL');
      assert.equal(readFileSync(logFile, 'utf8'), `${point.split(':')[0]} ${chainId} ${point.split(':')[1]}\n`);
      const killed = (await h.database.query('select state from chain where id = $1', [chainId]))[0]!;
      assert.equal(killed.state, 'running', 'work was really unfinished');
      const beganMs = performance.now();
      const engine = h.engine([steps]);
      await h.chainUntil(chainId, isState('succeeded'));
      assert.ok(performance.now() - beganMs < 3 * 600 + 500, 'within three lease periods of 600 ms');
      const effects = await h.database.query('select step from effect where chain_id = $1 order by step', [chainId]);
      assert.deepEqual(
        effects.map((row) => row.step),
        ['four', 'one', 'three', 'two'],
      );
      await engine.stop(1_000);
      assert.deepEqual(await auditChains(h.database), []);
    });
  }
}

test('a frozen node is fenced out, its sessions are ended, and it works again under a new boot id when it wakes', async () => {
  const child = node({});
  const live = () => h.database.query(`select id from node where state = 'live' and pid = $1`, [child.pid]);
  const [before] = await until(live, (rows) => rows.length === 1);
  child.kill('SIGSTOP');
  await h.database.query(`
    insert into chain (name, step, state, owner, token, started_token, attempt, traceparent, input)
    values ('four-steps', 'one', 'running', '${before!.id}', 1, 1, 1, '00-${'1'.repeat(32)}-${'2'.repeat(16)}-01', '{}')`);
  const engine = h.engine([fourSteps]);
  const [row] = await h.database.query('select max(id) as id from chain');
  const chain = await h.chainUntil(row!.id, isState('succeeded'));
  assert.equal(chain.suspect, 0);
  const sessions = await h.database.query(`select 1 from pg_stat_activity where application_name like '%' || $1`, [
    before!.id,
  ]);
  assert.equal(sessions.length, 0);
  await engine.stop(1_000);
  child.kill('SIGCONT');
  const [later] = await until(live, (rows) => rows.length === 1 && rows[0]!.id !== before!.id);
  assert.notEqual(later!.id, before!.id);
  child.kill('SIGTERM');
  await once(child, 'exit');
});

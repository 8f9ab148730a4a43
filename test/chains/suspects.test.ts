import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { chain, succeeded } from '../../src/chains/define.ts';
import { declareEnded, lookForSuspects } from '../../src/chains/suspects.ts';
import { why } from '../../src/chains/why.ts';
import { anyInput, fourSteps, type Harness, harness, isState, until } from './harness.ts';

let h: Harness;
const children: ChildProcess[] = [];
before(async () => {
  h = await harness();
});
after(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  await h.close();
});

/** A node of its own that is killed in the handler of step `two`, twice over when two of them are started. */
async function killedIn(suspects: 'leave' | 'only'): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'node-process.ts')], {
    env: {
      PATH: process.env.PATH,
      TEST_URL: h.url,
      TEST_SUSPECTS: suspects,
      LINEKEEPER_STOP_POINT: 'mid-handler:two',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  const [, signal] = await once(child, 'exit');
  assert.equal(signal, 'SIGKILL');
}

test('a chain whose process died is left to a process for suspects, runs one step there, and is like any other afterwards', async () => {
  const { chainId } = await h.enqueueWith([fourSteps])(h.database, fourSteps, {});
  await killedIn('leave');
  const node = h.engine([fourSteps], { suspects: 'leave' });
  const suspect = await h.chainUntil(chainId, isState('ready'));
  assert.deepEqual([suspect.step, suspect.suspect], ['two', 1]);
  assert.deepEqual(await lookForSuspects(h.database), { any: true, served: false });
  assert.match((await why(h.database, chainId))!.sentence, /died and waits .* to run in a process of its own/);

  const other = await h.enqueueWith([fourSteps])(h.database, fourSteps, {});
  await h.chainUntil(other.chainId, isState('succeeded'));
  assert.equal((await h.chainUntil(chainId, () => true)).state, 'ready', 'the node left it, and had lanes free');

  const only = h.engine([fourSteps], { suspects: 'only', lanes: 1 });
  await h.chainUntil(chainId, isState('succeeded'));
  assert.deepEqual(await lookForSuspects(h.database), { any: false, served: true });
  const nodes = await h.database.query(
    'select step, (select suspects from node where id = node) as suspects from step_log where chain_id = $1 order by token',
    [chainId],
  );
  assert.deepEqual(
    nodes.filter(({ suspects }) => suspects).map(({ step }) => step),
    ['two'],
    'the step after it runs where everything runs',
  );
  await only.stop(1_000);
  await node.stop(1_000);
  assert.deepEqual(await auditChains(h.database), []);
});

test('a suspect that ends the process for suspects too is quarantined at once', async () => {
  const { chainId } = await h.enqueueWith([fourSteps])(h.database, fourSteps, {});
  await killedIn('leave');
  const node = h.engine([fourSteps], { suspects: 'leave' });
  await h.chainUntil(chainId, isState('ready'));
  await killedIn('only');
  const row = await h.chainUntil(chainId, isState('quarantined'));
  assert.equal(row.reason, 'the process that ran nothing but its step two died');
  assert.equal(row.suspect, 2);
  assert.deepEqual(await lookForSuspects(h.database), { any: false, served: false });
  await node.stop(1_000);
});

test('a process for suspects leaves everything else alone, also what waits for a slot', async () => {
  const concurrency = { key: () => 'one', limit: 1 };
  const keyed = chain('keyed-suspect', anyInput).step('a', async () => succeeded(), { concurrency });
  const ids: string[] = [];
  for (let i = 0; i < 2; i += 1) ids.push((await h.enqueueWith([keyed])(h.database, keyed, {})).chainId);
  await h.database.query('update chain set suspect = 1 where id = $1', [ids[1]]);
  const only = h.engine([keyed], { suspects: 'only', lanes: 1 });
  await h.chainUntil(ids[1]!, isState('succeeded'));
  assert.notEqual((await h.chainUntil(ids[0]!, () => true)).state, 'succeeded');
  const node = h.engine([keyed], { suspects: 'leave' });
  await h.chainUntil(ids[0]!, isState('succeeded'));
  await only.stop(1_000);
  await node.stop(1_000);
});

test('whoever started the process for suspects need not wait for its lease', async () => {
  const only = h.engine([fourSteps], { suspects: 'only', leaseMs: 600_000 });
  const mine = () => h.database.query(`select state from node where suspects and state = 'live'`);
  await until(mine, (rows) => rows.length === 1);
  await declareEnded(h.database, 'another host', process.pid);
  assert.equal((await mine()).length, 1);
  await declareEnded(h.database, 'test', process.pid);
  assert.equal((await mine()).length, 0);
  await only.stop(0);
});

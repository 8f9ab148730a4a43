/**
 * F18: one sync of a reseller, whose nodes are killed one after the other, each with SIGKILL at another border or in the midst of
 * another command. What is there in the end is the truth, once.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { auditChains } from '../../../src/chains/audit.ts';
import { callsOf } from '../../simulator/http/served.ts';
import { type ResellerWorld, resellerWorld } from './reseller-world.ts';

/** In the order in which the sync comes by; `rate` and `totals` are also commands of each end customer's chain. */
const points = [
  'after-commit:discover',
  'mid-commit-callback:download:2',
  'mid-copy:stage',
  'mid-commit-callback:match:6',
  'before-commit:totals',
] as const;

let world: ResellerWorld;
const nodes: ChildProcess[] = [];
before(async () => {
  world = await resellerWorld({ works: false });
});
after(async () => {
  for (const node of nodes) node.kill('SIGKILL');
  await world.close();
});

/** It begins when it is told to: starting is what takes time. */
function node(point: string): ChildProcess {
  const stop = { LINEKEEPER_STOP_POINT: point, LINEKEEPER_STOP_POINT_LOG: logOf(point) };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'node-process.ts')], {
    env: { PATH: process.env.PATH, TEST_URL: world.url, TEST_ARCHIVE: world.directory, ...stop },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  nodes.push(child);
  return child;
}

const logOf = (point: string) => join(world.directory, point.replaceAll(':', '-'));

test(`a reseller's sync whose node is killed at ${points.join(', ')} ends with the truth, and nothing is there twice`, async () => {
  const { ended } = await world.begin();
  for (const [point, working] of points.map((each) => [each, node(each)] as const)) {
    working.stdin!.write('\n');
    const [, signal] = await once(working, 'exit');
    assert.equal(signal, 'SIGKILL');
    assert.match(readFileSync(logOf(point), 'utf8'), new RegExp(`^${point.split(':')[0]} `));
  }
  world.work();
  const { state, reason, status } = await ended();
  assert.deepEqual([state, reason, status], ['succeeded', null, 'succeeded']);
  assert.deepEqual(await world.differences(), []);
  assert.deepEqual(await auditChains(world.database), []);
  const [once_] = await world.database.query(
    `select (select count(*)::int from (select from cdr where state = 'active' group by contract_id, record_key having count(*) > 1) d) as doubled,
       (select count(*)::int from total_generation where state <> 'current') as others,
       (select count(*)::int from raw_file where state = 'imported') as files,
       (select count(*)::int from chain where state <> 'succeeded') as unfinished,
       (select count(*)::int from reseller_delivery where state = 'matched') as matched`,
  );
  assert.deepEqual(once_, { doubled: 0, others: 0, files: 4, unfinished: 0, matched: 4 });
  assert.ok((await callsOf(world.served, 'ROUTIT.download')) <= 12, 'no storm of downloads');
});

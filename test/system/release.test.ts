/**
 * The six-week bug: a process that resolved `current` once went on running a release that had been deleted. Here releases
 * are deployed, removed and broken under the service while it syncs.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { HealthView } from '../../src/admin/views.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { ownSchema } from '../../src/database/schema-range.ts';
import type { Database } from '../../src/database/session.ts';
import { assertSound, startSync } from '../support/recovery.ts';
import { call, type RunningService, until } from '../support/service.ts';
import { makeWorld, type World } from '../support/world.ts';
import { type ReleaseWorld, releaseWorld } from './release-world.ts';

const withinMs = 30_000;
let world: World;
let database: Database;
let releases: ReleaseWorld;
/** Chains that were asked for. */
const chains: string[] = [];

before(async () => {
  world = await makeWorld(['--records', '600', '--subs', '6', '--customers', '3', '--months', '2026-03']);
  const url = await world.database();
  database = openDatabase(url, { applicationName: 'test', max: 2, onError: () => {} });
  releases = releaseWorld({ DATABASE_URL: url });
});
after(async () => {
  await releases.stop();
  await database.close();
  await world.close();
});

/** The service works, and as this release. */
async function runs(version: string): Promise<void> {
  await until(
    `release ${version} to run`,
    async () => {
      const health = await call<HealthView>(releases.socket, 'GET', '/health').catch(() => null);
      return health?.release === version && health.checks.every(({ status }) => status === 'ok');
    },
    withinMs,
  ).catch((error: Error) => assert.fail(`${error.message}:\n${releases.output().slice(-4_000)}`));
}

/** Asks until it is taken: the service may be between two releases. */
async function sync(customer: string): Promise<void> {
  const service = { socket: releases.socket } as RunningService;
  const { chain } = await until('a sync to be taken', () => startSync(service, customer).catch(() => null));
  chains.push(chain);
}

async function chainsSucceed(): Promise<void> {
  await until('every chain to succeed', async () => {
    const [open] = await database.query<{ n: number }>(
      `select count(*)::int as n from chain where id = any($1::bigint[]) and state <> 'succeeded'`,
      [chains],
    );
    return open!.n === 0;
  });
  await assertSound(database);
}

/** A node that was left behind on another release is shown. */
async function drifts(): Promise<void> {
  const [own] = await database.query<{ schema: string }>(`select schema from node where state = 'live'`);
  assert.equal(own!.schema, ownSchema());
  await database.query(
    `insert into node (id, host, pid, release, lease_ms) values (gen_random_uuid(), 'other', 7, '0.1.5', 600000)`,
  );
  const { message } = await until('the drift to be shown', async () => {
    await database.query(`update node set beat = beat + 1, state = 'live' where host = 'other'`);
    const health = await call<HealthView>(releases.socket, 'GET', '/health').catch(() => null);
    return health?.checks.find(({ name }) => name === 'releases');
  });
  assert.match(message, /: 0\.1\.5 \(schema not told\) on other 7; 0\.1\.6 \(schema \d{4}_\w+\) on /);
  await database.query(`delete from node where host = 'other'`);
}

const alerts = () =>
  database.query<{ rule: string; state: string; message: string }>(
    `select rule, state, message from alert where rule like 'release.%' order by id`,
  );

function alert(rule: string, message: RegExp): Promise<unknown> {
  return until(`the alert ${rule} with ${message}`, async () =>
    (await alerts()).some((row) => row.rule === rule && row.state === 'open' && message.test(row.message)),
  );
}

const noAlertOpen = () =>
  until('the alert to be resolved', async () => (await alerts()).every(({ state }) => state === 'resolved'));

test('releases are deployed and removed under the service, which is on the newest one soon, and no chain is lost', async () => {
  for (const name of ['1', '2', '3', '4', '5', '6']) releases.make(name);
  releases.link('1');
  releases.start();
  await runs('0.1.1');
  await sync('C001');
  releases.link('2');
  await sync('C002');
  await runs('0.1.2');
  releases.remove('1');
  await sync('C001');
  // the very release that runs is gone, with all that it might still load, before it has seen the other one
  for (const name of ['3', '4', '5', '6']) releases.link(name);
  releases.remove('2');
  await sync('C003');
  await sync('C002');
  await runs('0.1.6');
  for (const name of ['3', '4', '5']) releases.remove(name);
  await sync('C003');
  await chainsSucceed();
  assert.deepEqual(releases.ends, [75, 75]);
  const moved = releases.boots().map(({ release, end, why }) => [release, end, why?.replace(releases.home, '')]);
  assert.deepEqual(moved, [
    ['0.1.1', 75, 'moving to the release /releases/2'],
    ['0.1.2', 75, 'moving to the release /releases/6'],
    ['0.1.6', null, undefined],
  ]);
  assert.deepEqual(await alerts(), []);
  const burned = await database.query(`select * from step_log where attempt > 1 or outcome in ('failed', 'crashed')`);
  assert.deepEqual(burned, []);
});

test('a release that could not be started is alerted and not moved to, and moving back is enough', async () => {
  writeFileSync(join(releases.make('7'), 'src/compute/tasks/rate-cycle.ts'), 'export function rateCycle( {');
  releases.link('7');
  await alert('release.refused', /releases\/7, .* modules: src\/compute\/tasks\/[a-z-]+\.ts does not load: /);
  await sync('C001');
  await drifts();
  releases.make('8', '0.0.9');
  releases.link('8');
  await alert('release.refused', /schema serves release 0\.1\.0 and newer, and this is 0\.0\.9/);
  releases.link('6');
  await noAlertOpen();
  await chainsSucceed();
  assert.deepEqual(releases.ends, [75, 75]);
});

test('a deleted release without another one says so, takes no new work and ends; the next good release goes on', async () => {
  await sync('C002');
  releases.link('nothing');
  await alert('release.refused', /current leads nowhere/);
  releases.remove('6');
  await until('the service to end', async () => releases.ends.length > 3 && releases.ends);
  assert.deepEqual(releases.ends.slice(2, 4), [70, null]);
  const why = /release directory .*\/releases\/6 was deleted, and .*\/current leads nowhere: move it to a good release/;
  const last = releases.boots().at(-1)!;
  assert.equal(last.end, 70);
  assert.match(last.why!, why);
  assert.match(releases.output(), new RegExp(`linekeeper: the service ends with exit code 70: the ${why.source}`));
  await alert('release.deleted', why);
  assert.deepEqual(await database.query(`select id from node where state not in ('ended', 'dead')`), []);

  releases.make('9');
  releases.link('9');
  await runs('0.1.9');
  await sync('C003');
  await noAlertOpen();
  await chainsSucceed();
});

/**
 * A chain whose step kills the process it runs in: it dies in the service once, then in a process of its own, and is
 * quarantined, while the service that started that process stays as it is.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { auditChains } from '../../src/chains/audit.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { call, startService, until, working } from '../support/service.ts';
import { makeWorld, type World } from '../support/world.ts';

let world: World;
before(async () => {
  world = await makeWorld(['--records', '300', '--subs', '3', '--customers', '1', '--months', '2026-03']);
});
after(() => world.close());

test('a step that kills its process kills the service once, and then only a process of its own', async () => {
  const databaseUrl = await world.database();
  const stateDirectory = mkdtempSync(join(tmpdir(), 'suspects-'));
  const database = openDatabase(databaseUrl, { applicationName: 'test', max: 2 });
  const log = join(stateDirectory, 'reached');
  const env = { LINEKEEPER_STOP_POINT: 'mid-handler:import', LINEKEEPER_STOP_POINT_LOG: log };
  const first = startService({ databaseUrl, stateDirectory, env });
  await working(first);
  await call(first.socket, 'POST', '/sync/run', { customer: 'C001' }).catch(() => null);
  assert.equal((await first.ended).signal, 'SIGKILL');

  const second = startService({ databaseUrl, stateDirectory, env });
  const [chain] = await until('the chain to be quarantined', async () => {
    const rows = await database.query(`select id, reason from chain where state = 'quarantined'`);
    return rows.length > 0 && rows;
  });
  assert.match(chain!.reason, /^the process that ran nothing but its step import died$/);
  assert.equal(readFileSync(log, 'utf8').trim().split('\n').length, 2, 'it was killed twice, and no third time');
  await working(second);
  assert.equal(second.child.exitCode ?? second.child.signalCode, null, 'the service that started it lives');
  assert.match(second.output(), /the process for suspect chains ended/);
  await second.stop();

  const third = startService({ databaseUrl, stateDirectory });
  await working(third);
  await call(third.socket, 'POST', `/chains/${chain!.id}/retry`);
  await until('the sync to succeed', async () => {
    const [row] = await database.query(`select count(*)::int as n from sync_task where status = 'succeeded'`);
    return row!.n === 1;
  });
  assert.deepEqual(await auditChains(database), []);
  await third.stop();
  const [left] = await database.query(`select count(*)::int as n from node where state in ('live', 'draining')`);
  assert.equal(left!.n, 0, 'the process for suspects ended with the service');
  await database.close();
});

/** Recycling of real services: they drain, exit 75, and nobody is alarmed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { readBoots } from '../../src/process/boot-record.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { stateDirectory } from '../support/recovery.ts';
import { startService } from '../support/service.ts';

// the archive in it belongs to the database
const state = stateDirectory();
let database: TestDatabase;
let watching: Database;
before(async () => {
  database = await testDatabase();
  watching = openDatabase(database.url, { applicationName: 'watching', max: 1 });
});
after(async () => {
  await watching.close();
  await database.close();
});

/** Runs a service until it ends by itself, and checks how it did. */
async function recycled(env: Record<string, string>, why: RegExp): Promise<void> {
  const service = startService({ databaseUrl: database.url, stateDirectory: state, env });
  const { code } = await service.ended;
  assert.equal(code, 75, service.output());
  const boot = readBoots(`${state}/boots.json`, assert.fail).boots.at(-1);
  assert.equal(boot?.end, 75);
  assert.match(boot!.why!, why);
  assert.deepEqual(await watching.query('select rule from alert'), []);
  assert.deepEqual(await watching.query(`select id from node where state not in ('ended')`), []);
  assert.deepEqual(await watching.query(`select id from chain where state = 'running'`), []);
}

describe('a node is recycled', { concurrency: 1 }, () => {
  test('after so many chains, each carried to its end', async () => {
    await watching.query(
      `insert into schedule (name, cron, chain, next_due_at, catch_up, overlap)
       values ('often', '* * * * *', 'sync-manager', now() - interval '3 minutes', 'all', 'allow')`,
    );
    await recycled({ LINEKEEPER_RECYCLE_AFTER_CHAINS: '2' }, /it has carried \d+ chains \(recycle\.afterChains 2\)/);
    await watching.query(`delete from schedule_slot where schedule = 'often'`);
    await watching.query(`delete from schedule where name = 'often'`);
    const burned = await watching.query(`select * from step_log where attempt > 1 or outcome <> 'succeeded'`);
    assert.deepEqual(burned, []);
  });

  test('after so long', async () => {
    await recycled({ LINEKEEPER_RECYCLE_AFTER_MS: '1500' }, /it has lived for \d+ s/);
  });

  test('above so much memory', async () => {
    await recycled({ LINEKEEPER_RECYCLE_ABOVE_MEMORY_MB: '64' }, /it holds \d+ MB/);
  });
});

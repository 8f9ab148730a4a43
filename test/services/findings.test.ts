import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { findFaults, forgottenTransactions } from '../../src/services/findings.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let server: TestDatabase;
let database: Database;
before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'findings' });
});
after(async () => {
  await database.close();
  await server.close();
});

test('a session that idles in an old transaction is named with pid, program and the way out; a young one is not', async () => {
  const forgotten = openDatabase(server.url, { applicationName: 'a report of somebody', max: 1, onError: () => {} });
  await forgotten
    .read(async (session) => {
      const [own] = await session.query<{ pid: number }>('select pg_backend_pid() as pid');
      assert.deepEqual(await findFaults(database), []);
      const [finding, ...more] = await forgottenTransactions(database, 0);
      assert.deepEqual(more, []);
      assert.equal(finding!.rule, 'database.old-transaction');
      assert.equal(finding!.subject, `pid ${own!.pid}`);
      assert.equal(finding!.level, 'warning');
      assert.match(finding!.message, /\(a report of somebody, user \w+\) has been idle in a transaction/);
      const wayOut = /select pg_terminate_backend\(\d+\)/.exec(finding!.message)![0];
      await database.query(wayOut);
      await assert.rejects(session.query('select 1'));
    })
    .catch(() => {});
  assert.deepEqual(await forgottenTransactions(database, 0), []);
  await forgotten.close();
});

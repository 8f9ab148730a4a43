import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorAnswer } from '../../src/admin/error-answer.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { whenPrepared } from '../../src/node/prepared-database.ts';
import { testDatabase } from '../support/database.ts';

test('the doors answer 503 until the schema is in place, and then as always', async () => {
  const server = await testDatabase();
  const pool = openDatabase(server.url, { applicationName: 'test' });
  let prepared = false;
  const database = whenPrepared(pool, () => prepared);
  const calls = [
    () => database.query('select 1 as one'),
    () => database.read((session) => session.query('select 1 as one')),
    () => database.transaction((tx) => tx.query('select 1 as one')),
  ];
  for (const call of calls) {
    await assert.rejects(call(), (error) => errorAnswer(error).status === 503);
  }
  prepared = true;
  for (const call of calls) assert.deepEqual(await call(), [{ one: 1 }]);
  await pool.close();
  await server.close();
});

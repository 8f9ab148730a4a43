import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { arrayText, type Element } from '../../src/database/array-text.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let server: TestDatabase;
let database: Database;
before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'test', max: 1 });
});
after(async () => {
  await database.close();
  await server.close();
});

const same = (element: Element) => element;

test('PostgreSQL reads every element as it was', async () => {
  const texts = ['', ' ', 'a', 'null', 'NULL', 'a,b', '{}', '"', '\\', '\\"', 'é', 'x\ny', "'", '00-ab-cd', null];
  const [row] = await database.query('select $1::text[] as texts, $2::bigint[] as ids, $3::boolean[] as flags', [
    arrayText(texts, same),
    arrayText(['9007199254740993', 2n ** 62n, null], same),
    arrayText([true, false], same),
  ]);
  assert.deepEqual(row, { texts, ids: ['9007199254740993', String(2n ** 62n), null], flags: [true, false] });
  const [none] = await database.query('select $1::float8[] as none, $2::float8[] as some', [
    arrayText([], same),
    arrayText([0.1, 1e-7, 1e21, -3], same),
  ]);
  assert.deepEqual(none, { none: [], some: [0.1, 1e-7, 1e21, -3] });
});

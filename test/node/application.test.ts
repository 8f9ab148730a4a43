import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { readApplicationId } from '../../src/node/application.ts';
import { admin, type TestDatabase, testDatabase } from '../support/database.ts';

let server: TestDatabase;
let database: Database;
before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'test', max: 1, onError: () => {} });
});
after(async () => {
  await database.close();
  await server.close();
});

test('an application is its archive and its database cluster, also for a user without rights of its own', async () => {
  await assert.rejects(readApplicationId(database, 'here'), /does not know its archive yet/);
  await database.query("insert into installation (archive_id) values ('6f1c0000-0000-4000-8000-000000000000')");
  const [cluster] = await database.query('select system_identifier::text as id from pg_control_system()');
  const expected = { id: `6f1c0000-0000-4000-8000-000000000000.${cluster!.id}` };
  const found = await readApplicationId(database, 'here');
  assert.equal(found.id, expected.id);
  assert.match(found.about, /^database t_[0-9a-f]+ at here$/);

  const role = `plain_${process.pid}`;
  await database.query(`create role ${role} login`);
  await database.query(`grant select on installation to ${role}`);
  const plain = openDatabase(server.url.replace('linekeeper@', `${role}@`), {
    applicationName: 'test',
    max: 1,
    onError: () => {},
  });
  try {
    assert.equal((await readApplicationId(plain, 'here')).id, expected.id);
  } finally {
    await plain.close();
    await admin(server.url, `drop owned by ${role}; drop role ${role}`);
  }
});

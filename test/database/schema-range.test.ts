import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ownMigrations, ownSchema, readSchemaRange } from '../../src/database/schema-range.ts';
import { admin, emptyDatabase, type TestDatabase, testDatabase } from '../support/database.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.close());

const range = (release?: string) => readSchemaRange(database.url, release);

test('an empty database fits, would get every migration, and gets nothing by being asked', async () => {
  const empty = await emptyDatabase();
  try {
    const expected = { fits: true, message: `${ownMigrations().join(', ')} will be applied at its start` };
    assert.deepEqual(await readSchemaRange(empty.url), expected);
    assert.deepEqual(await readSchemaRange(empty.url), expected);
  } finally {
    await empty.close();
  }
});

test('the schema of this release fits', async () => {
  assert.deepEqual(await range(), { fits: true, message: 'the schema is its own' });
});

test('a release below the minimum of the schema does not fit, whatever its migrations', async () => {
  assert.deepEqual(await range('0.0.9'), {
    fits: false,
    message: "the database's schema serves release 0.1.0 and newer, and this is 0.0.9",
  });
});

test('a schema that is newer fits as long as it serves this release', async () => {
  await admin(database.url, `insert into schema_migration (name, run_on) values ('9999_later', now())`);
  assert.deepEqual(await range(), { fits: true, message: 'the schema is newer (9999_later) and still serves it' });
  await admin(database.url, `delete from schema_migration where name = '9999_later'`);
});

test('migrations in another order than this release has do not fit', async () => {
  await admin(database.url, `update schema_migration set name = '0000_stray' where name = '${ownSchema()}'`);
  assert.deepEqual(await range(), {
    fits: false,
    message: `the database has the migration 0000_stray where this release has ${ownSchema()}`,
  });
  await admin(database.url, `update schema_migration set name = '${ownSchema()}' where name = '0000_stray'`);
});

test('a server that does not answer is an error and no verdict', async () => {
  await assert.rejects(readSchemaRange('postgres://nobody@127.0.0.1:1/none'), /ECONNREFUSED/);
});

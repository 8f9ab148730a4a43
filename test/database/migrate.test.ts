import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MigrationError, migrate, SchemaTooNewError } from '../../src/database/migrate.ts';
import { compareReleases, ownRelease } from '../../src/database/release.ts';
import { DatabaseDownError } from '../../src/database/session.ts';
import { checkSuitability, UnsuitableDatabaseError } from '../../src/database/suitability.ts';
import { startProxy } from '../chains/proxy.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { ask } from '../support/embedded-owner.ts';
import { startTransactionPooler } from '../support/transaction-pooler.ts';

let database: TestDatabase;
before(async () => {
  database = await emptyDatabase();
});
after(() => database.close());

test('four nodes that start at once migrate once, and nothing is printed', async () => {
  const printed: unknown[] = [];
  const { log, info, warn, error } = console;
  for (const name of ['log', 'info', 'warn', 'error'] as const) console[name] = (...line) => void printed.push(line);
  const done = await Promise.all(Array.from({ length: 4 }, () => migrate(database.url))).finally(() =>
    Object.assign(console, { log, info, warn, error }),
  );
  const counts = done.map((names) => names.length).sort();
  assert.ok(counts[3]! >= 3, `${counts}`);
  assert.deepEqual(counts.slice(0, 3), [0, 0, 0]);
  const rows = await ask(database.url, 'select name from schema_migration order by id');
  assert.deepEqual(
    rows.map(({ name }) => name),
    done.flat().sort(),
  );
  assert.deepEqual(printed, []);
});

test('a release older than the schema serves is refused before anything is touched', async () => {
  await migrate(database.url);
  await ask(database.url, `update schema_release set minimum_release = '0.2.0'`);
  await assert.rejects(migrate(database.url, { release: '0.1.9' }), (error: Error) => {
    assert.ok(error instanceof SchemaTooNewError);
    assert.match(error.message, /serves Linekeeper 0\.2\.0 and newer, and this is 0\.1\.9/);
    return true;
  });
  assert.deepEqual(await migrate(database.url, { release: '0.2.0' }), []);
  await ask(database.url, `update schema_release set minimum_release = '0.1.0'`);
});

test('the release before runs beside a schema that has more migrations than it knows', async () => {
  await ask(database.url, `insert into schema_migration (name, run_on) values ('9999_of_the_next_release', now())`);
  assert.deepEqual(await migrate(database.url), []);
  await ask(database.url, `delete from schema_migration where name like '9999%'`);
});

test('a migration that fails is named and leaves nothing behind', async () => {
  await migrate(database.url);
  const directory = mkdtempSync(join(tmpdir(), 'lk-migrations-'));
  try {
    cpSync(join(import.meta.dirname, '../../src/database/migrations'), directory, { recursive: true });
    writeFileSync(
      join(directory, '9000_broken.sql'),
      '-- Up Migration\ncreate table half (n integer);\nselect 1 / 0;\n',
    );
    await assert.rejects(migrate(database.url, { directory }), (error: Error) => {
      assert.ok(error instanceof MigrationError);
      assert.match(error.message, /9000_broken failed: division by zero/);
      return true;
    });
    assert.deepEqual(await ask(database.url, `select to_regclass('half') as half`), [{ half: null }]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a transaction pooler is recognised and refused, a direct connection is not', async () => {
  await checkSuitability(database.url);
  const pooler = await startTransactionPooler(database.url);
  try {
    // It works as a pooler: statements get through.
    assert.deepEqual(await ask(pooler.url, 'select 1 as one'), [{ one: 1 }]);
    await assert.rejects(migrate(pooler.url), (error: Error) => {
      assert.ok(error instanceof UnsuitableDatabaseError);
      assert.match(error.message, /transaction pooler .* give the address of PostgreSQL itself/);
      return true;
    });
  } finally {
    await pooler.close();
  }
});

test('releases are compared by their numbers', () => {
  assert.ok(compareReleases('0.9.0', '0.10.0') < 0);
  assert.ok(compareReleases('1.0.0-beta.1', '0.99.9') > 0);
  assert.equal(compareReleases('1.2.3', '1.2.3'), 0);
  assert.throws(() => compareReleases('latest', '1.0.0'), /'latest' is not a release number/);
  assert.match(ownRelease(), /^\d+\.\d+\.\d+/);
});

for (const [when, statement] of [
  ['before the first migration', 'pg_try_advisory_lock'],
  ['in the midst of one', 'create table chain ('],
] as const) {
  test(`a server that goes away ${when} is the database away, and the next try brings the schema`, async () => {
    const empty = await emptyDatabase();
    const proxy = await startProxy(empty.url);
    proxy.loseAnswerTo(statement);
    await assert.rejects(migrate(proxy.url), DatabaseDownError);
    assert.equal(proxy.lost(), 1);
    assert.ok((await migrate(proxy.url)).length > 0);
    proxy.close();
    await empty.close();
  });
}

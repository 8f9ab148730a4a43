/** docs/retention.md against the schema: nothing is kept without somebody having said what bounds it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import { testDatabase } from '../support/database.ts';

test('docs/retention.md says of every table of the schema what bounds it, and names no other', async () => {
  const server = await testDatabase();
  const database = openDatabase(server.url, { applicationName: 'test', max: 1 });
  try {
    const tables = await database.query<{ name: string }>(
      `select relname as name from pg_class
       where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition`,
    );
    const page = readFileSync(join(import.meta.dirname, '../../docs/retention.md'), 'utf8');
    const [, list] = /^## Every table, and what bounds it$([\s\S]*?)^## /m.exec(page)!;
    const rows = [...list!.matchAll(/^\| (`.+`) \| (.+) \|$/gm)];
    assert.ok(rows.every(([, , bound]) => bound!.length > 5));
    const named = rows.flatMap(([, names]) => names!.split(', ').map((name) => name.replaceAll('`', '')));
    assert.deepEqual(named.sort(), tables.map(({ name }) => name).sort());
  } finally {
    await database.close();
    await server.close();
  }
});

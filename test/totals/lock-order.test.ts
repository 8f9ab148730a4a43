import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { ensureCycles, lockContract, touchCycles } from '../../src/totals/cycles.ts';
import { storeRatedCycle } from '../../src/totals/rate-cycles.ts';
import { makeContract, type TestContract } from '../support/contract.ts';
import { testDatabase } from '../support/database.ts';

let server: Awaited<ReturnType<typeof testDatabase>>;
let database: Database;
let contract: TestContract;
const cycleStart = '2026-03-01';
before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'test' });
  contract = await makeContract(database);
  const { contractId: id } = contract;
  await database.transaction((tx) => ensureCycles(tx, { id, cycleDay: 1, timeZone: 'Europe/Amsterdam' }, [cycleStart]));
});
after(async () => {
  await database.close();
  await server.close();
});

test('an import and a rating of the same contract that commit at once wait for each other instead of deadlocking', async () => {
  const { contractId } = contract;
  const ratedPath = join(mkdtempSync(join(tmpdir(), 'rated-')), 'rated.copy');
  await writeFile(ratedPath, '');
  const result = { records: 0, rated: 0, unrated: 0, excluded: 0, amountE8: 0n };
  const rated = {
    contractId,
    cycleStart,
    revision: '0',
    ratingRunId: '1',
    tariffHash: Buffer.alloc(32),
    ratedPath,
    result,
  };
  const importing = Promise.withResolvers<void>();
  const ratingWaits = Promise.withResolvers<void>();
  const importer = database.transaction(async (tx) => {
    await lockContract(tx, contractId);
    importing.resolve();
    await ratingWaits.promise;
    await touchCycles(tx, contractId, [cycleStart]);
  });
  await importing.promise;
  const rating = database.transaction((tx) => storeRatedCycle(tx, rated as Parameters<typeof storeRatedCycle>[1]));
  rating.catch(() => {});
  for (let waits = false; !waits; ) {
    waits =
      (
        await database.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
      ).length > 0;
  }
  ratingWaits.resolve();
  await importer;
  // the import came first, so what was rated is out of date: that, and no deadlock, is the answer
  await assert.rejects(rating, { name: 'CycleChangedError' });
});

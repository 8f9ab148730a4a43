import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { ensureCycles } from '../../src/totals/cycles.ts';
import { currentGenerations, pinCurrent } from '../../src/totals/generations.ts';
import { oracleBreaches } from '../../src/totals/oracle.ts';
import { publishTotals, TotalsMismatchError } from '../../src/totals/publish.ts';
import { backupsKept } from '../../src/totals/swap.ts';
import { makeContract, makeFile, type TestContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const cycle = '2026-03-01';

describe('publishing totals', () => {
  let server: TestDatabase;
  let database: Database;
  let contracts = 0;
  let runs = 0;

  before(async () => {
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
  });
  after(async () => {
    await database.close();
    await server.close();
  });

  /** A contract with three records of two subscriptions, rated at the amounts given (1e-8 EUR). */
  async function ratedContract(
    amounts: readonly number[] = [1_000, 2_000, 4_000],
  ): Promise<TestContract & { code: string }> {
    contracts += 1;
    const code = `P${contracts}`;
    const contract = await makeContract(database, code, String(contracts).padStart(10, '0'));
    const file = await makeFile(database, contract, 1);
    await database.transaction((tx) =>
      ensureCycles(tx, { id: contract.contractId, cycleDay: 1, timeZone: 'Europe/Amsterdam' }, [cycle]),
    );
    for (const [index, subscriber] of ['31611111111', '31611111111', '31622222222'].entries()) {
      await database.query(
        `insert into cdr (contract_id, cycle_start, raw_file_id, line_no, record_key, content_hash, msisdn, kind, category,
           started_at, local_start, usage_s, usage_count, provider_amount_e8)
         values ($1, $2, $3, $4, $5, 1, $6, 'voice', 'national-mobile', '2026-03-10 10:00Z', '2026-03-10 11:00', 60, 1, 500)`,
        [contract.contractId, cycle, file.rawFileId, index + 2, Buffer.from(`r${index}`), subscriber],
      );
    }
    await rate(contract, amounts);
    return { ...contract, code };
  }

  async function rate(contract: TestContract, amounts: readonly number[], claimed?: number): Promise<void> {
    runs += 1;
    const sum = claimed ?? amounts.reduce((total, amount) => total + amount, 0);
    await database.query(
      `insert into rating_run (id, contract_id, cycle_start, revision, tariff_hash, records, rated, unrated, excluded, amount_e8)
       values ($1, $2, $3, 1, '\\x00', 3, 3, 0, 0, $4)`,
      [runs, contract.contractId, cycle, sum],
    );
    await database.query(
      `insert into rated_cdr (contract_id, cycle_start, rating_run_id, cdr_id, billed_usage, amount_e8, status)
       select contract_id, cycle_start, $3, id, 60, ($4::bigint[])[line_no - 1], 'rated'
       from cdr where contract_id = $1 and cycle_start = $2`,
      [contract.contractId, cycle, runs, amounts],
    );
    await database.query('update cycle set rating_run_id = $2, revision = 1 where contract_id = $1', [
      contract.contractId,
      runs,
    ]);
  }

  const publish = (contract: TestContract) =>
    database.transaction((tx) => publishTotals(tx, contract.contractId, cycle, 'test'));

  async function states(contract: TestContract): Promise<string> {
    const rows = await database.query(
      `select string_agg(generation || ' ' || state, ', ' order by generation) as all from total_generation where contract_id = $1`,
      [contract.contractId],
    );
    return rows[0]!.all;
  }

  test('the first generation sums the rated records by subscription and category', async () => {
    const contract = await ratedContract();
    const published = await publish(contract);
    assert.deepEqual(
      [published.generation, published.unchanged, published.records, published.amountE8],
      [1, false, 3, '7000'],
    );
    const rows = await database.query(
      `select msisdn, records, usage_s, amount_e8, provider_amount_e8 from total_usage where contract_id = $1 order by msisdn`,
      [contract.contractId],
    );
    assert.deepEqual(rows, [
      { msisdn: '31611111111', records: '2', usage_s: '120', amount_e8: '3000', provider_amount_e8: '1000' },
      { msisdn: '31622222222', records: '1', usage_s: '60', amount_e8: '4000', provider_amount_e8: '500' },
    ]);
  });

  test('equal totals keep the generation and its digest, backed by the newer run', async () => {
    const contract = await ratedContract();
    const first = await publish(contract);
    await rate(contract, [1_000, 2_000, 4_000]);
    const second = await publish(contract);
    assert.deepEqual({ ...second, unchanged: false }, first);
    assert.equal(second.unchanged, true);
    assert.equal(await states(contract), '1 current');
    const [left] = await database.query(
      'select count(distinct rating_run_id)::int as runs from rated_cdr where contract_id = $1',
      [contract.contractId],
    );
    assert.equal(left!.runs, 1, 'the older run is dropped');
  });

  test('other totals swap: the old generation becomes the backup, and only five backups are kept', async () => {
    const contract = await ratedContract();
    await publish(contract);
    for (let round = 1; round <= backupsKept + 1; round += 1) {
      await rate(contract, [1_000, 2_000, 4_000 + round]);
      assert.equal((await publish(contract)).generation, round + 1);
    }
    assert.equal(await states(contract), '1 discarded, 2 backup, 3 backup, 4 backup, 5 backup, 6 backup, 7 current');
    const [rows] = await database.query(
      'select count(*)::int as n from total_usage where contract_id = $1 and generation = 1',
      [contract.contractId],
    );
    assert.equal(rows!.n, 0);
    const current = await database.query(
      'select sum(amount_e8)::int as amount from total_usage_new_table where contract_id = $1',
      [contract.contractId],
    );
    assert.equal(current[0]!.amount, 7_006);
  });

  test('a pinned generation is never dropped', async () => {
    const contract = await ratedContract();
    await publish(contract);
    await database.transaction((tx) => pinCurrent(tx, contract.contractId, cycle, 'anna'));
    for (let round = 1; round <= backupsKept + 1; round += 1) {
      await rate(contract, [1_000 + round, 2_000, 4_000]);
      await publish(contract);
    }
    assert.match(await states(contract), /^1 backup, 2 backup/);
  });

  test('sums that are not those of the rating run publish nothing and leave the current generation', async () => {
    const contract = await ratedContract();
    await publish(contract);
    await rate(contract, [1, 2, 3], 7);
    await assert.rejects(publish(contract), (error) => {
      return error instanceof TotalsMismatchError && /add up to 6, the rating run to 7/.test(error.message);
    });
    assert.equal(await states(contract), '1 current');
  });

  test('a record that is not in the rating run publishes nothing', async () => {
    const contract = await ratedContract();
    await database.query(`update cdr set state = 'cancelled' where contract_id = $1 and line_no = 2`, [
      contract.contractId,
    ]);
    await assert.rejects(publish(contract), /totals hold 2 records, the rating run 3, 2 are active/);
  });

  test('rows that were changed by hand are found before they are pinned', async () => {
    const contract = await ratedContract();
    await publish(contract);
    await database.query('update total_usage set amount_e8 = amount_e8 + 1 where contract_id = $1', [
      contract.contractId,
    ]);
    await assert.rejects(
      database.transaction((tx) => pinCurrent(tx, contract.contractId, cycle, 'anna')),
      /does not match its digest/,
    );
  });

  test('the generation consumes every sync task that touched its cycle, and until then the oracle names them', async () => {
    const contract = await ratedContract();
    const [task] = await database.query(
      `insert into sync_task (profile_id, requested_by, cycle_start, status, finished_at)
       values ($1, 'test', $2, 'succeeded', now() - interval '1 hour') returning id`,
      [contract.profileId, cycle],
    );
    await database.query('insert into sync_task_cycle (sync_task_id, contract_id, cycle_start) values ($1, $2, $3)', [
      task!.id,
      contract.contractId,
      cycle,
    ]);
    const bounds = { consumedWithinSeconds: 60, dueWithinSeconds: 3_600, endWithinSeconds: 3_600 };
    assert.deepEqual((await oracleBreaches(database, bounds)).unconsumedTasks, [task!.id]);
    await publish(contract);
    assert.deepEqual((await oracleBreaches(database, bounds)).unconsumedTasks, []);
  });

  test('the current generation is listed with its sums', async () => {
    const contract = await ratedContract();
    const { digest } = await publish(contract);
    const [listed] = await currentGenerations(database, contract.code);
    assert.deepEqual(
      [listed!.cycleStart, listed!.records, listed!.amountE8, listed!.digest],
      [cycle, '3', '7000', digest],
    );
  });

  test('two publications at once end with one current generation', async () => {
    const contract = await ratedContract();
    const both = await Promise.all([publish(contract), publish(contract)]);
    assert.deepEqual(
      both.map((one) => one.generation),
      [1, 1],
    );
    assert.equal(await states(contract), '1 current');
  });
});

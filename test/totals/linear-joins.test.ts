import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { withLinearJoins } from '../../src/totals/linear-joins.ts';
import { makeContract, makeFile } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

/** As publishing and explaining join them. */
const join = `
  select count(*) from rated_cdr r
  join cdr d on d.contract_id = r.contract_id and d.cycle_start = r.cycle_start and d.id = r.cdr_id
  where r.contract_id = $1 and r.cycle_start = '2026-03-01' and r.rating_run_id = 1`;

describe('joining the records of a contract that the statistics do not know', () => {
  let server: TestDatabase;
  let database: Database;
  let unknown: string;

  before(async () => {
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
    await database.query(`select ensure_cycle_partition('2026-03-01')`);
    const known = await records('C001', 2_000);
    assert.ok(known);
    await database.query('analyze cdr_2026_03');
    await database.query('analyze rated_cdr_2026_03');
    unknown = await records('C002', 2_000);
  });
  after(async () => {
    await database.close();
    await server.close();
  });

  async function records(code: string, count: number): Promise<string> {
    const contract = await makeContract(database, code, code.padStart(10, '0'));
    const { rawFileId } = await makeFile(database, contract, 1);
    await database.query(
      `insert into cdr (contract_id, cycle_start, raw_file_id, line_no, record_key, content_hash, msisdn, kind, category,
         started_at, local_start, provider_amount_e8)
       select $1, '2026-03-01', $2, n, int4send(n), n, '31611111111', 'voice', 'sms', now(), now(), 0
       from generate_series(1, $3::int) n`,
      [contract.contractId, rawFileId, count],
    );
    await database.query(
      `insert into rated_cdr (contract_id, cycle_start, rating_run_id, cdr_id, billed_usage, amount_e8, status)
       select contract_id, cycle_start, 1, id, 0, 0, 'rated' from cdr where contract_id = $1`,
      [contract.contractId],
    );
    return contract.contractId;
  }

  const planOf = async (session: Pick<Database, 'query'>) => {
    const rows = await session.query(`explain ${join}`, [unknown]);
    return rows.map((row) => row['QUERY PLAN'] as string).join('\n');
  };

  test('is linear, where PostgreSQL by itself loops over one expected row', async () => {
    await database.read(async (session) => {
      assert.match(await planOf(session), /Nested Loop/, 'what this guards against');
      assert.match(await withLinearJoins(session, () => planOf(session)), /Hash Join|Merge Join/);
      assert.match(await planOf(session), /Nested Loop/, 'and afterwards the session is as it was');
    });
  });
});

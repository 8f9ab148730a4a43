import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readLookedCycle } from '../../src/alert-rules/looked-cycle.ts';
import { recordHoldings } from '../../src/alert-rules/record-rules.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { makeContract, makeFile, type TestContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { publish } from './published.ts';

const cycle = '2026-03-01';

describe('alert rules over records', () => {
  let server: TestDatabase;
  let database: Database;
  let contract: TestContract;
  let rawFileId: string;
  let records = 0;

  before(async () => {
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
    contract = await makeContract(database);
    ({ rawFileId } = await makeFile(database, contract, 1));
    await database.query('select ensure_cycle_partition($1::date)', [cycle]);
    await publish(database, contract, cycle, []);
  });
  after(async () => {
    await database.close();
    await server.close();
  });

  interface Shape {
    category?: string;
    prefix?: string | null;
    masked?: string | null;
    visited?: string;
    seconds?: number;
    kind?: string;
  }

  /** What the rules say of a cycle with this one record. */
  async function say({ category, prefix, masked, visited, seconds = 60, kind = 'voice' }: Shape): Promise<string[]> {
    records += 1;
    await database.query('delete from cdr where contract_id = $1', [contract.contractId]);
    await database.query(
      `insert into cdr (contract_id, cycle_start, raw_file_id, line_no, record_key, content_hash, msisdn, kind, category,
         b_prefix, b_masked, visited, started_at, local_start, usage_s, provider_amount_e8)
       values ($1, $2, $3, 2, $4, 1, '31611111111', $5, $6, $7, $8, $9, '2026-03-10 10:00Z', '2026-03-10 11:00', $10, 1)`,
      [
        contract.contractId,
        cycle,
        rawFileId,
        Buffer.from(String(records)),
        kind,
        category ?? 'international',
        prefix ?? null,
        masked === undefined ? '+x****' : masked,
        visited ?? null,
        seconds,
      ],
    );
    const of = await readLookedCycle(database, contract.contractId, cycle);
    const found = await recordHoldings(database, of!, { premium: {}, longCall: { hours: 4 } });
    return found.map(({ type, level, message }) => `${type} ${level}: ${/longest of (.*);/.exec(message)?.[1] ?? '-'}`);
  }

  test('premium numbers, satellites, ships and planes are told from the first record', async () => {
    const any = ['usage.premium any: -'];
    for (const prefix of ['31900', '31906', '31909', '8701234', '881', '882'])
      assert.deepEqual(await say({ prefix }), any, prefix);
    for (const category of ['premium', 'sms-premium']) assert.deepEqual(await say({ category }), any, category);
    assert.deepEqual(await say({ category: 'data-world', kind: 'data', visited: '90114' }), any);
  });

  test('what only looks like one is not told, and a helpline never', async () => {
    for (const prefix of ['31800', '31901', '4487', '3188112', '3161234', null])
      assert.deepEqual(await say({ prefix }), []);
    assert.deepEqual(await say({ visited: '20408' }), []);
    assert.deepEqual(await say({ category: 'premium', prefix: '31900', masked: null }), []);
  });

  test('a call of more than four hours is told with its length; data may last for days', async () => {
    assert.deepEqual(await say({ seconds: 14_400 }), []);
    assert.deepEqual(await say({ seconds: 14_401 }), ['usage.long-call 4 h: 4 h 0 min']);
    assert.deepEqual(await say({ seconds: 97_205 }), ['usage.long-call 4 h: 27 h 0 min']);
    assert.deepEqual(await say({ seconds: 97_205, kind: 'data' }), []);
  });
});

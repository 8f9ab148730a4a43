import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { explainTotals } from '../../src/totals/explain.ts';
import { makeContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

describe('explaining totals', () => {
  let server: TestDatabase;
  let database: Database;

  before(async () => {
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
    const { contractId, customerId } = await makeContract(database);
    await database.query(
      `insert into total_generation (contract_id, customer_id, cycle_start, generation, rating_run_id, state, digest, reason)
       values ($1, $2, '2026-03-01', 1, 1, 'current', '\\x00', 'test')`,
      [contractId, customerId],
    );
    await database.query(
      `insert into total_usage (contract_id, customer_id, cycle_start, generation, msisdn, category, records, unrated,
         usage_s, usage_octets, usage_count, amount_e8, provider_amount_e8)
       select $1, $2, '2026-03-01', 1, m, c, 1, 0, 60, 0, 1, 100, 0
       from (values ('31611111111', 'sms'), ('31611111111', 'voicemail'), ('31622222222', 'sms')) v (m, c)`,
      [contractId, customerId],
    );
  });
  after(async () => {
    await database.close();
    await server.close();
  });

  const refusal = async (filter: { msisdn?: string; category?: string; cycle?: string }) => {
    const query = { customer: 'C001', cycle: '2026-03-01', limit: 5, ...filter };
    const asked = database.read((session) => explainTotals(session, query));
    return asked.then(
      () => 'explained',
      (error: Error) => `${error.name}: ${error.message}`,
    );
  };

  test('a category of which the cycle has nothing is refused with those that it has', async () => {
    assert.equal(
      await refusal({ category: 'voicmail' }),
      'InputError: customer C001 has no records of category voicmail in cycle 2026-03-01; it has: sms, voicemail',
    );
    assert.match(
      await refusal({ msisdn: '31622222222', category: 'voicemail' }),
      /subscription 3162222\*{4} of C001 has no .* it has: sms$/,
    );
  });

  test('a number without records and a cycle without totals are refused', async () => {
    assert.match(await refusal({ msisdn: '31633333333' }), /3163333\*{4} of C001 has no records in cycle 2026-03-01$/);
    assert.match(await refusal({ cycle: '2026-04-01' }), /C001 has no totals of cycle 2026-04-01/);
  });
});

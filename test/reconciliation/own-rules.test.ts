import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { reconciliationServices } from '../../src/services/reconciliation-services.ts';
import { loadTariff } from '../../src/totals/tariff-store.ts';
import { makeContract, makeFile, type TestContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { anna } from './example-lines.ts';
import { publish } from './published.ts';

const cycle = '2026-03-01';
const tariff = JSON.parse(
  /```json\n([\s\S]*?)```/.exec(readFileSync(new URL('../../docs/tariff.md', import.meta.url), 'utf8'))![1]!,
);

const insertCdr = `
  insert into cdr (contract_id, cycle_start, raw_file_id, line_no, record_key, content_hash, msisdn, kind, category, started_at,
    local_start, usage_s, usage_count, provider_amount_e8)
  select $1, $2, $3, n, sha256(n::text::bytea), 1, $4, 'voice', 'national-mobile', '2026-03-10 10:00Z', '2026-03-10 11:00', 60, 1, 0
  from generate_series(1, 10) n`;
const insertRated = `
  insert into rated_cdr (contract_id, cycle_start, rating_run_id, cdr_id, tariff_version_id, rule, billed_usage, amount_e8, status,
    allowance_used)
  select d.contract_id, d.cycle_start, 1, d.id, (select id from tariff_version), 'mobile-peak', 60, 17000000, 'rated',
    case when d.line_no <= 3 then '{"7": 20}'::jsonb end
  from cdr d where d.contract_id = $1`;

describe('evidence from our own records', () => {
  let server: TestDatabase;
  let database: Database;
  let contract: TestContract;
  let services: ReturnType<typeof reconciliationServices>;

  before(async () => {
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
    contract = await makeContract(database);
    await database.transaction((tx) => loadTariff(tx, tariff));
    const { rawFileId } = await makeFile(database, contract, 1);
    await publish(database, contract, cycle, [{ msisdn: anna, category: 'national-mobile', amount: '1.7' }]);
    await database.query(insertCdr, [contract.contractId, cycle, rawFileId, anna]);
    await database.query(insertRated, [contract.contractId]);
    services = reconciliationServices({ database, alerts: { raise() {}, resolve() {} } } as never);
  });
  after(async () => {
    await database.close();
    await server.close();
  });

  async function findingOf(covered: number | undefined) {
    const net = '3.4';
    const line = { line: 1, msisdn: anna, category: 'national-mobile', records: 10, quantity: 600, net, vatCode: '0' };
    const priced = { ...line, unitPrice: '0.24', per: 60, ...(covered === undefined ? {} : { covered }) };
    const document = {
      customer: 'C001',
      provider: 'KPN',
      account: '0000000101',
      number: 'F1',
      date: '2026-04-03',
      period: { from: '2026-03-01', to: '2026-03-31' },
      lines: [priced],
      vat: [{ code: '0', net, vat: '0' }],
      total: { net, vat: '0', gross: net },
    };
    await services.loadInvoice({ document, replace: true, force: false, by: 'test' });
    const [view] = await services.runReconciliation({ customer: 'C001', cycle, by: 'test' });
    return view!.findings[0]!;
  }

  test('a difference of rates shows our rule with its version and prices beside the price of the invoice', async () => {
    const { class: of, evidence } = await findingOf(undefined);
    assert.equal(of, 'rate_difference');
    assert.deepEqual(evidence.ownRules, [
      'mobile-peak (version of 2026-01-01T00:00:00): 0.05 a call, 0.12 per 60 from 0, 0.06 per 60 from 60; 10 records, 1.7000',
    ]);
    assert.deepEqual((evidence.provider as { statedPrices: string[] }).statedPrices, ['0.2400 per 60']);
  });

  test('what allowances covered is read from the rated records when the invoice says what it covered', async () => {
    const other = await findingOf(0);
    assert.equal(other.class, 'allowance_difference');
    assert.equal((other.evidence.own as { covered: string }).covered, '60');
    assert.equal((await findingOf(60)).class, 'rate_difference');
  });

  test('fees in advance show our own records of the cycle that they are for', async () => {
    const { rawFileId } = await makeFile(database, contract, 2);
    for (const [month, amount] of [
      [cycle, 12.5],
      ['2026-04-01', 15],
    ] as const) {
      await database.query('select ensure_cycle_partition($1::date)', [month]);
      await publish(database, contract, month, [
        { msisdn: anna, category: 'recurring', amount: String(amount), records: 1 },
      ]);
      await database.query(
        `with d as (insert into cdr (contract_id, cycle_start, raw_file_id, line_no, record_key, content_hash, msisdn, kind, category, started_at,
             local_start, usage_count, provider_amount_e8)
           values ($1, $2::date, $3, 1, sha256($2::text::bytea), 1, $4, 'recurring', 'recurring', $2::date, $2::date, 1, 0) returning *)
         insert into rated_cdr (contract_id, cycle_start, rating_run_id, cdr_id, billed_usage, amount_e8, status)
         select contract_id, cycle_start, 1, id, 1, $5, 'rated' from d`,
        [contract.contractId, month, rawFileId, anna, amount * 1e8],
      );
    }
    const net = '16';
    const document = {
      customer: 'C001',
      provider: 'KPN',
      account: '0000000101',
      number: 'F2',
      date: '2026-04-03',
      period: { from: cycle, to: '2026-03-31' },
      feesPeriod: { from: '2026-04-01', to: '2026-04-30' },
      lines: [{ line: 1, msisdn: anna, category: 'recurring', records: 1, net, vatCode: '0' }],
      vat: [{ code: '0', net, vat: '0' }],
      total: { net, vat: '0', gross: net },
    };
    await database.query(`update invoice set state = 'replaced'`);
    await services.loadInvoice({ document, replace: false, force: false, by: 'test' });
    const [view] = await services.runReconciliation({ customer: 'C001', cycle, by: 'test' });
    const found = view!.findings.find(({ category }) => category === 'recurring')!;
    assert.deepEqual([found.class, found.evidence.ownRules], ['rate_difference', ['no rule: 1 records, 15.0000']]);
  });
});

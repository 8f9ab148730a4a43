/**
 * The simulator's invoices, wrong on purpose in known ways, against its truth as our totals: exactly that is found.
 * The seed is another one each time and is printed; LINEKEEPER_SIMULATOR_SEED repeats one.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { customersForm, sp16Contract } from '../../simulator/account.ts';
import type { ExpectedFinding } from '../../simulator/invoices/differences.ts';
import { type CycleInvoices, invoicesOf } from '../../simulator/invoices/invoices.ts';
import type { CycleTruth } from '../../simulator/truth.ts';
import { createWorld, filesOf, truthOf } from '../../simulator/world.ts';
import { applyCustomers } from '../../src/customers/apply.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { findingClasses } from '../../src/reconciliation/finding.ts';
import type { ReconciliationView } from '../../src/reconciliation/show.ts';
import { reconciliationServices } from '../../src/services/reconciliation-services.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const seed = Number(process.env.LINEKEEPER_SIMULATOR_SEED ?? randomInt(1, 1_000_000));

const publish = `
  with made as (
    insert into total_generation (contract_id, customer_id, cycle_start, generation, rating_run_id, state, digest, reason)
    select id, customer_id, $2::date, 1, 1, 'current', '', 'the truth' from contract where account_no = $1
    returning contract_id, customer_id, cycle_start
  )
  insert into total_usage (contract_id, customer_id, cycle_start, generation, msisdn, category, records, unrated, usage_s,
    usage_octets, usage_count, amount_e8, provider_amount_e8)
  select m.contract_id, m.customer_id, m.cycle_start, 1, t.msisdn, t.category, t.records, t.unrated, t."usageS", t."usageOctets",
    t."usageCount", t."amountE8", t."providerAmountE8"
  from made m, jsonb_to_recordset($3::jsonb) as t (msisdn text, category text, records bigint, unrated bigint, "usageS" bigint,
    "usageOctets" bigint, "usageCount" bigint, "amountE8" bigint, "providerAmountE8" bigint)`;

describe('invoices of the simulator', () => {
  let server: TestDatabase;
  let database: Database;
  let services: ReturnType<typeof reconciliationServices>;
  let made: CycleInvoices[];

  before(async () => {
    const world = createWorld({
      seed,
      customers: 2,
      subs: 20,
      months: ['2026-03', '2026-10'],
      records: 8_000,
      faults: [],
    });
    const list = world.accounts.map((account) => ({ account, files: filesOf(world, account) }));
    const { cycles } = truthOf(world, list, (files) => files.lines);
    made = cycles.map((cycle) =>
      invoicesOf(
        seed,
        world.accounts.findIndex((one) => one.account === cycle.account),
        cycle,
      ),
    );
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
    await database.transaction(async (tx) => {
      const customers = customersForm(world.accounts.map((account) => sp16Contract(account, '/drops', null)));
      // nothing is rated here: the truth is published as it is
      await applyCustomers(
        tx,
        JSON.parse(JSON.stringify(customers, (key, value) => (key === 'tariff' ? undefined : value))),
      );
      for (const cycle of cycles) await tx.query(publish, [cycle.account, cycle.cycleStart, rowsOf(cycle)]);
    });
    services = reconciliationServices({ database, alerts: { raise() {}, resolve() {} } } as never);
  });
  after(async () => {
    await database.close();
    await server.close();
  });

  const rowsOf = (cycle: CycleTruth) =>
    JSON.stringify(cycle.totals, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  const load = (document: unknown) => services.loadInvoice({ document, replace: false, force: false, by: 'test' });
  const run = async (invoice: string, customer: string) =>
    (await services.runReconciliation({ customer, invoice, by: 'test' }))[0]!;
  const expected = (findings: readonly ExpectedFinding[]) =>
    findings.map((one) => [one.class, one.msisdn, one.category, String(one.differenceE8)].join(' ')).sort();
  const found = (view: ReconciliationView) =>
    view.findings
      .filter((one) => one.basis === 'net' && one.diffE8 !== '0')
      .map((one) => [one.class, one.msisdn, one.category, one.diffE8].join(' '))
      .sort();
  const sum = (view: ReconciliationView, basis: 'net' | 'vat') =>
    view.findings.filter((one) => one.basis === basis).reduce((all, one) => all + BigInt(one.diffE8), 0n);

  test('every class stands on the invoices', (t) => {
    t.diagnostic(`seed ${seed}`);
    const classes = new Set(made.flatMap(({ truth }) => truth.findings.map((finding) => finding.class)));
    assert.deepEqual([...classes, 'vat_error'].sort(), [...findingClasses].sort());
    assert.equal(made.length, 4);
  });

  test('exactly what is wrong is found, and adds up to the last digit', async () => {
    for (const { invoice, truth } of made) {
      await load(invoice);
      const view = await run(truth.invoice, truth.customer);
      assert.deepEqual(found(view), expected(truth.findings));
      assert.deepEqual([view.ownNetE8, view.invoiceNetE8], [String(truth.ownNetE8), String(truth.netE8)]);
      assert.equal(sum(view, 'net'), truth.netE8 - truth.ownNetE8);
      assert.equal(sum(view, 'vat'), truth.vatDifferenceE8);
      assert.equal(BigInt(view.invoiceVatE8) - BigInt(view.ownVatE8), truth.vatDifferenceE8);
    }
  });

  test('the credit note settles what it takes back of the dispute, and leaves the rest', async () => {
    for (const { creditNote, truth } of made) {
      const { customer, cycleStart: cycle } = truth;
      await services.dispute({ customer, cycle, why: 'not ours', by: 'test' });
      await load(creditNote);
      const view = await run(truth.creditNote, customer);
      assert.deepEqual(found(view), expected(truth.afterCredit.findings));
      assert.equal(sum(view, 'net'), truth.afterCredit.netE8 - truth.ownNetE8);
      const settled = view.findings.filter((one) => one.state === 'resolved');
      assert.equal(settled.length, truth.findings.length - truth.afterCredit.findings.length);
      for (const one of settled)
        assert.ok(one.diffE8 === '0' && one.stateWhy!.includes(`credit note ${truth.creditNote}`));
    }
  });
});

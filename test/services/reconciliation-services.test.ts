import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AlertInput } from '../../src/alerts/alerts.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import type { ReconciliationView } from '../../src/reconciliation/show.ts';
import { reconciliationServices } from '../../src/services/reconciliation-services.ts';
import { formatAmountE8 } from '../../src/telecom/money.ts';
import { anna, bob, e8 } from '../reconciliation/example-lines.ts';
import { type PublishedRow, publish } from '../reconciliation/published.ts';
import { makeContract, type TestContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

const cycle = '2026-03-01';
const march = { from: '2026-03-01', to: '2026-03-31' };
const own: readonly PublishedRow[] = [
  { msisdn: anna, category: 'national-mobile', amount: '10' },
  { msisdn: anna, category: 'recurring', amount: '12.5', records: 1 },
  { msisdn: bob, category: 'sms', amount: '0.9995' },
];

interface Line {
  readonly msisdn: string;
  readonly category: string;
  readonly net: string;
  readonly records?: number;
  readonly correctsLine?: number;
}

describe('reconciliations', () => {
  let server: TestDatabase;
  let database: Database;
  let services: ReturnType<typeof reconciliationServices>;
  let contract: TestContract;
  let customers = 0;
  let customer: string;
  let account: string;
  const raised: AlertInput[] = [];
  const resolved: string[] = [];

  before(async () => {
    server = await testDatabase();
    database = openDatabase(server.url, { applicationName: 'test' });
    const alerts = {
      raise: (alert: AlertInput) => raised.push(alert),
      resolve: (rule: string, subject: string) => resolved.push(`${rule} ${subject}`),
    };
    services = reconciliationServices({ database, alerts } as never);
  });
  after(async () => {
    await database.close();
    await server.close();
  });

  /** A customer of its own, whose totals of the cycle are published. */
  async function newCustomer(rows = own): Promise<void> {
    customers += 1;
    customer = `R${customers}`;
    account = String(customers).padStart(10, '0');
    contract = await makeContract(database, customer, account);
    await database.query(
      `insert into subscription (contract_id, msisdn, source) select $1, unnest($2::text[]), 'manual'`,
      [contract.contractId, [anna, bob]],
    );
    await publish(database, contract, cycle, rows);
  }

  async function load(number: string, lines: readonly Line[], over: object = {}, replace = false) {
    const net = formatAmountE8(lines.reduce((sum, line) => sum + e8(line.net), 0n));
    const document = {
      customer,
      provider: 'KPN',
      account,
      number,
      date: '2026-04-03',
      period: march,
      lines: lines.map((line, index) => ({ line: index + 1, vatCode: '0', ...line })),
      vat: [{ code: '0', net, vat: '0' }],
      total: { net, vat: '0', gross: net },
      ...over,
    };
    return services.loadInvoice({ document, replace, force: false, by: 'anna' });
  }

  const credit = { kind: 'credit_note', refersTo: 'F1' };
  const run = async () => (await services.runReconciliation({ customer, cycle, by: 'anna' }))[0]!;
  const show = async () => (await services.reconciliations({ customer, cycle, findings: true }))[0]!;
  const found = (view: ReconciliationView) =>
    view.findings.map(({ class: of, diffE8, state }) => `${of} ${formatAmountE8(BigInt(diffE8))} ${state}`).sort();
  const sum = (view: ReconciliationView) => view.findings.reduce((all, one) => all + BigInt(one.diffE8), 0n);
  const idOf = (view: ReconciliationView, of: string) => view.findings.find((one) => one.class === of)!.id;
  const lines: readonly Line[] = [
    { msisdn: anna, category: 'national-mobile', net: '12', records: 10 },
    { msisdn: anna, category: 'recurring', net: '12.5' },
    { msisdn: anna, category: 'recurring', net: '12.5' },
    { msisdn: bob, category: 'sms', net: '1', records: 10 },
  ];

  test('an invoice that charges our totals agrees, names its generation, and resolves its alert', async () => {
    await newCustomer();
    await load(
      'F1',
      own.map(({ msisdn, category, amount }) => ({ msisdn, category, net: amount })),
    );
    const view = await run();
    assert.deepEqual(
      [view.status, view.generation, view.invoices, view.stale, view.findings],
      ['agrees', 1, ['F1'], [], []],
    );
    assert.equal(resolved.at(-1), `reconciliation.difference customer ${customer} account ${account} cycle ${cycle}`);
  });

  test('differences are kept as findings that add up, and alerted until somebody has looked at each', async () => {
    await newCustomer();
    await load('F1', lines);
    const view = await run();
    const expected = ['duplicate_line 12.5000 open', 'rate_difference 2.0000 open', 'rounding 0.0005 accepted'];
    assert.deepEqual(found(view), expected);
    assert.equal(sum(view), BigInt(view.diffE8));
    assert.deepEqual(view.states, { open: 2, accepted: 1 });
    const alert = raised.at(-1)!;
    assert.equal(alert.subject, `customer ${customer} account ${account} cycle ${cycle}`);
    assert.match(
      alert.message,
      /^invoice F1 and our totals \(generation 1\) differ by 14\.5005 EUR net, with 2 open finding\(s\)/,
    );
    assert.ok(!JSON.stringify(alert).includes(anna));
    await publish(database, contract, cycle, own);
    await run();
    const again = raised.at(-1)!;
    assert.match(again.message, /generation 2/);
    assert.deepEqual([again.once, again.detail], [true, alert.detail]);
    await services.decideFinding({
      id: idOf(await show(), 'rate_difference'),
      state: 'accepted',
      why: 'agreed',
      by: 'bob',
    });
    assert.notDeepEqual(raised.at(-1)!.detail, alert.detail);
    const before = resolved.length;
    const disputed = await services.dispute({ customer, cycle, why: 'twice', by: 'bob' });
    assert.deepEqual(
      [disputed.newly, disputed.reconciliations[0]!.findings.map((one) => one.class)],
      [1, ['duplicate_line']],
    );
    assert.equal(resolved.length, before + 1);
  });

  test('a later generation, and another invoice, make it stale until it is made again', async () => {
    await newCustomer();
    await load('F1', lines);
    await run();
    await publish(database, contract, cycle, own);
    await load('F2', [{ msisdn: anna, category: 'oneoff', net: '5' }]);
    assert.deepEqual((await show()).stale, [
      'it was made from generation 1, and 2 is current',
      'invoice F2 was loaded since',
    ]);
    const again = await run();
    assert.deepEqual([again.stale, again.generation, again.invoices], [[], 2, ['F1', 'F2']]);
    assert.deepEqual((await show()).stale, []);
  });

  test('a credit note nets the disputed finding to zero: it is resolved, and what it was stays to be seen', async () => {
    await newCustomer();
    await load('F1', lines);
    const first = await run();
    await services.decideFinding({ id: idOf(first, 'duplicate_line'), state: 'disputed', why: 'twice', by: 'bob' });
    await load('C1', [{ msisdn: anna, category: 'recurring', net: '-12.5', correctsLine: 3 }], credit);
    const second = await run();
    assert.deepEqual(found(second), [
      'duplicate_line 0.0000 resolved',
      'rate_difference 2.0000 open',
      'rounding 0.0005 accepted',
    ]);
    assert.equal(sum(second), BigInt(second.diffE8));
    const settled = second.findings.find((one) => one.class === 'duplicate_line')!;
    assert.equal(settled.stateBy, 'bob');
    assert.equal(settled.stateWhy, 'twice; settled by credit note C1; no difference with generation 1');
    assert.deepEqual(settled.evidence.was, { ownE8: '0.0000', providerE8: '12.5000' });
    assert.deepEqual(found(await run()), found(second));
  });

  test('a credit note for a part leaves the rest disputed', async () => {
    await newCustomer();
    await load('F1', lines);
    const first = await run();
    await services.decideFinding({ id: idOf(first, 'rate_difference'), state: 'disputed', why: 'price', by: 'bob' });
    await load('C1', [{ msisdn: anna, category: 'national-mobile', net: '-1.5', correctsLine: 1 }], credit);
    assert.ok(found(await run()).includes('rate_difference 0.5000 disputed'));
  });

  test('what was accepted at one amount is open again at another, and says so', async () => {
    await newCustomer();
    await load('F1', lines);
    const first = await run();
    await services.decideFinding({ id: idOf(first, 'rate_difference'), state: 'accepted', why: 'small', by: 'bob' });
    assert.ok(found(await run()).includes('rate_difference 2.0000 accepted'));
    await publish(database, contract, cycle, [{ ...own[0]!, amount: '11' }, ...own.slice(1)]);
    const again = await run();
    assert.ok(found(again).includes('rate_difference 1.0000 open'));
    const finding = again.findings.find((one) => one.class === 'rate_difference')!;
    assert.equal(finding.stateWhy, 'was accepted by bob at 2.0000: small');
    const old = idOf(first, 'rate_difference');
    await assert.rejects(
      services.decideFinding({ id: old, state: 'accepted', why: 'x', by: 'bob' }),
      /of a reconciliation that was made again since/,
    );
  });

  test('fees in advance are held against the totals of their own cycle', async () => {
    await newCustomer(own.filter((row) => row.category !== 'recurring'));
    await publish(database, contract, '2026-04-01', [
      own[1]!,
      { msisdn: anna, category: 'national-mobile', amount: '99' },
    ]);
    await load(
      'F1',
      own.map(({ msisdn, category, amount }) => ({ msisdn, category, net: amount })),
      {
        feesPeriod: { from: '2026-04-01', to: '2026-04-30' },
      },
    );
    const view = await run();
    assert.deepEqual([view.status, view.feesCycleStart, view.feesGeneration], ['agrees', '2026-04-01', 1]);
    await publish(database, contract, '2026-04-01', []);
    assert.deepEqual((await show()).stale, ['the fees of 2026-04-01 were generation 1, and 2 is current']);
  });

  test('an invoice that is replaced by one of another cycle takes its credit notes along, and ends what was found', async () => {
    await newCustomer();
    const april = '2026-04-01';
    await publish(database, contract, april, [{ msisdn: anna, category: 'national-mobile', amount: '10' }]);
    const moved = { period: { from: april, to: '2026-04-30' } };
    const twelve = { msisdn: anna, category: 'national-mobile', net: '12', records: 10 };
    await load('F1', [twelve]);
    await load('C1', [{ msisdn: anna, category: 'national-mobile', net: '-2', correctsLine: 1 }], credit);
    assert.equal((await run()).status, 'differs');
    const loaded = await load('F1', [twelve], moved, true);
    assert.deepEqual([loaded.cycle, loaded.moved, loaded.ended], [april, ['C1'], cycle]);
    assert.equal(resolved.at(-1), `reconciliation.difference customer ${customer} account ${account} cycle ${cycle}`);
    await assert.rejects(show(), /no reconciliation of cycle 2026-03-01/);
    const [made] = await services.runReconciliation({ customer, cycle: april, by: 'anna' });
    assert.deepEqual([made!.status, made!.invoices], ['agrees', ['C1', 'F1']]);
    const [note] = await services.invoice({ customer, number: 'C1' });
    assert.deepEqual([note!.version, note!.lines[0]!.periodFrom, note!.lines[0]!.periodTo], [2, april, '2026-04-30']);
  });

  test('one of several invoices that goes to another cycle leaves a reconciliation that says so', async () => {
    await newCustomer();
    await load('F1', lines);
    await load('F2', [{ msisdn: bob, category: 'sms', net: '1' }]);
    await run();
    await load('F1', lines, { period: { from: '2026-04-01', to: '2026-04-30' } }, true);
    assert.deepEqual((await show()).stale, ['invoice F1 was replaced by one of another cycle']);
    assert.deepEqual((await run()).invoices, ['F2']);
  });

  test('fees that were put on the wrong cycle can be corrected, also when a credit note is there', async () => {
    await newCustomer();
    await load('F1', lines);
    await load('C1', [{ msisdn: anna, category: 'recurring', net: '-12.5', correctsLine: 3 }], credit);
    await load('F1', lines, { feesPeriod: { from: '2026-04-01', to: '2026-04-30' } }, true);
    assert.equal((await run()).feesCycleStart, '2026-04-01');
  });

  test('replaced reconciliations are kept a few times', async () => {
    await newCustomer();
    await load('F1', lines);
    for (let times = 0; times < 8; times += 1) await run();
    const [count] = await database.query(
      `select count(*)::integer as all, count(*) filter (where state = 'current')::integer as current from reconciliation where contract_id = $1`,
      [contract.contractId],
    );
    assert.deepEqual(count, { all: 6, current: 1 });
  });

  test('without an invoice, totals or a customer there is nothing to compare, and the way out is said', async () => {
    await newCustomer();
    const attempt = (which: object) => services.runReconciliation({ customer, by: 'anna', ...which });
    await assert.rejects(
      attempt({ cycle }),
      /has no invoice of cycle 2026-03-01; load it first: linekeeper invoice load FILE/,
    );
    await assert.rejects(attempt({ invoice: 'F9' }), /has no invoice F9; load it first/);
    const known = new RegExp(`customer ${customer} has no account 0000000999; its accounts: ${account}$`);
    await assert.rejects(attempt({ account: '0000000999', cycle }), known);
    await assert.rejects(services.invoices({ customer, account: '0000000999', limit: 10 }), known);
    await assert.rejects(attempt({ customer: 'nobody', cycle }), /no customer has the code nobody/);
    await assert.rejects(
      services.reconciliations({ customer, cycle, findings: true }),
      /has no reconciliation of cycle 2026-03-01; make one: linekeeper reconcile run/,
    );
    await load('M1', [{ msisdn: anna, category: 'sms', net: '1' }], {
      period: { from: '2026-05-01', to: '2026-05-31' },
    });
    await assert.rejects(
      attempt({ invoice: 'M1' }),
      /account \d+ has no totals of cycle 2026-05-01 yet to compare the invoice M1 with/,
    );
  });
});

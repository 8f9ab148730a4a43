import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eraseSubscription } from '../../src/privacy/erase.ts';
import { exportSubscription } from '../../src/privacy/export.ts';
import { pinCurrent } from '../../src/totals/generations.ts';
import { type BilledContract, type BillingWorld, billingWorld } from '../totals/billed-contract.ts';

let world: BillingWorld;
const msisdn = '31612345678';
const march = '2026-03-01';
before(async () => {
  world = await billingWorld();
  await world.loadPrice(6);
});
after(() => world.close());

/** A closed March and an open month, with the number in every table that can name it. */
async function known(): Promise<BilledContract> {
  const contract = await world.contract();
  const today = (await world.openCycle()).slice(0, 8);
  await contract.deliver([
    { id: 'a', day: '2026-03-10', seconds: 100 },
    { id: 'b', day: `${today}01`, seconds: 70 },
  ]);
  await world.database.query(
    `insert into subscription (contract_id, msisdn, source, employee, cost_centre) values ($1, $2, 'manual', 'J. Jansen', 'sales')
     on conflict (contract_id, msisdn) do update set source = excluded.source, employee = excluded.employee, cost_centre = excluded.cost_centre`,
    [contract.contractId, msisdn],
  );
  await contract.settle();
  await contract.closeCycle(march);
  const { contractId, code } = contract;
  const [subscription] = await world.database.query('select id from subscription where contract_id = $1', [contractId]);
  const [account] = await world.database.query('select account_no as no from contract where id = $1', [contractId]);
  const subject = `${code}/KPN/${account!.no} subscription ${subscription!.id} ${march} 25 EUR`;
  await world.database.query(
    `with i as (insert into invoice (contract_id, number, kind, invoice_date, cycle_start, fees_cycle_start, net_e8, vat_e8, gross_e8, content_hash, loaded_by)
       values ($1, 'I1', 'invoice', '2026-04-01', $2, $2, 0, 0, 0, '\\x00', 'test') returning id),
     l as (insert into invoice_line (invoice_id, line_no, msisdn, category, description, net_e8, vat_code, period_from, period_to)
       select id, 1, $3, 'voice', 'calls of ' || $3, 0, '21', $2, $2 from i
       union all select id, 2, null, 'credit', 'refund 06-12345678 and +31 6 1234 5678, not 131612345678', 0, '21', $2, $2 from i),
     r as (insert into reconciliation (contract_id, cycle_start, generation, fees_cycle_start, status, lines, own_net_e8, invoice_net_e8,
         own_vat_e8, invoice_vat_e8, tolerance_e8, requested_by)
       values ($1, $2, 1, $2, 'differs', 1, 0, 1, 0, 0, 0, 'test') returning id),
     f as (insert into recon_finding (recon_id, basis, class, identity, msisdn, own_e8, provider_e8, diff_e8, evidence, state, state_by, state_why)
       select id, 'net', 'missing_cdr', 'net/missing_cdr/' || $3, $3, 0, 1, 1, jsonb_build_object('subscription', $3::text), 'disputed', 'anna',
         '0612345678 was lost' from r),
     q as (insert into quarantine (raw_file_id, line_no, code, message, raw_masked)
       select min(id), 7, 'bad', 'line of 3161234****', '10 3161234**** x' from raw_file where contract_id = $1)
     insert into alert (rule, subject, level, message) values ('usage.spike', $4, 'warning', 'subscription 3161234**** of ' || $5)`,
    [contractId, march, msisdn, subject, code],
  );
  return contract;
}

const erase = async ({ code }: BilledContract) => {
  const request = { customer: code, msisdn, reason: 'left the company', by: 'anna@cli' };
  return (await world.database.transaction((tx) => eraseSubscription(tx, request))).erased;
};

/** Every column of every row of the contract's customer that holds the text. */
async function placesOf(text: string): Promise<string[]> {
  const tables = await world.database.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition`,
  );
  const found = [];
  for (const { name } of tables) {
    const [row] = await world.database.query(`select count(*)::int as n from ${name} t where strpos(t::text, $1) > 0`, [
      text,
    ]);
    if (row!.n > 0) found.push(name);
  }
  return found.sort();
}

test('an erased number is in no row of any table, and no amount, usage or record count of totals changed', async () => {
  const contract = await known();
  const before = await contract.totals();
  assert.deepEqual(await placesOf(msisdn), ['cdr', 'invoice_line', 'recon_finding', 'subscription', 'total_usage']);
  const erased = await erase(contract);
  assert.deepEqual(await placesOf('3161234*'), []);
  const [line] = await world.database.query('select description from invoice_line where msisdn is null');
  assert.equal(line!.description, `refund ${erased.pseudonym} and ${erased.pseudonym}, not 131612345678`);
  await world.database.query(`update invoice_line set description = '' where msisdn is null`);
  assert.deepEqual([await placesOf(msisdn), await placesOf('12345678')], [[], []]);
  assert.deepEqual(await placesOf('J. Jansen'), []);
  const told = await world.database.query('select message from alert where subject like $1', [`${contract.code}/%`]);
  assert.deepEqual(told, [{ message: `subscription ${erased.pseudonym} of ${contract.code}` }]);
  const { pseudonym: _random, ...counts } = erased;
  assert.deepEqual(counts, {
    ...{
      subscriptions: 1,
      records: 2,
      totals: 2,
      generations: 2,
      invoiceLines: 2,
      findings: 1,
      quarantine: 1,
      alerts: 1,
      files: 1,
    },
  });
  const after = await contract.totals();
  const sums = (totals: typeof after) =>
    Object.values(totals).map(({ records, amount, state }) => [records, amount, state]);
  assert.deepEqual(sums(after), sums(before));
  assert.notEqual(after[march]!.digest, before[march]!.digest);
  const [audit] = await world.database.query(
    `select detail from audit where action = 'subscription.erased' order by id desc limit 1`,
  );
  assert.equal(
    audit!.detail.digests.find((one: { cycleStart: string }) => one.cycleStart === march).before,
    before[march]!.digest,
  );
});

test('after an erasure generations hold against their digests, and rating again publishes the same totals', async () => {
  const contract = await known();
  await erase(contract);
  const erased = await contract.totals();
  const open = Object.keys(erased).find((cycle) => cycle !== march)!;
  for (const cycle of [march, open]) {
    const pinned = await world.database.transaction((tx) => pinCurrent(tx, contract.contractId, cycle, 'anna'));
    assert.equal(pinned.digest, erased[cycle]!.digest);
  }
  await contract.settle();
  assert.deepEqual(await contract.totals(), erased);
  // equal content of a re-delivery brings the number back neither into records nor into the inventory
  await contract.deliver([{ id: 'b', day: `${open.slice(0, 8)}01`, seconds: 70 }]);
  const [row] = await world.database.query(
    `select (select count(*) from cdr where contract_id = $1 and msisdn = $2)::int as records,
       (select count(*) from subscription where contract_id = $1 and msisdn = $2)::int as subscriptions`,
    [contract.contractId, msisdn],
  );
  assert.deepEqual(row, { records: 0, subscriptions: 0 });
});

test("another customer's rows of the same number stay, and a number that nobody knows is refused masked", async () => {
  const mine = await known();
  const theirs = await known();
  await erase(mine);
  const [row] = await world.database.query(
    'select count(*)::int as n from cdr where contract_id = $1 and msisdn = $2',
    [theirs.contractId, msisdn],
  );
  assert.equal(row!.n, 2);
  await assert.rejects(erase(mine), (error: Error) =>
    /has nothing of subscription 3161234\*\*\*\*/.test(error.message),
  );
  await erase(theirs);
});

test('an export holds all of it: inventory, records with file and price, totals, invoice lines, findings and alerts', async () => {
  const contract = await known();
  const all = await world.database.read((session) => exportSubscription(session, contract.code, msisdn));
  const sizes = Object.entries(all).map(([what, rows]) => [what, typeof rows === 'string' ? 1 : rows.length]);
  assert.deepEqual(Object.fromEntries(sizes), {
    ...{
      customer: 1,
      msisdn: 1,
      subscriptions: 1,
      records: 2,
      waiting: 0,
      totals: 2,
      allowances: 0,
      invoiceLines: 1,
      findings: 1,
      alerts: 1,
      rawFiles: 1,
    },
  });
  const [record] = all.records;
  assert.deepEqual(
    [record!.cycle, record!.dialled, record!.status, record!.amountE8],
    [march, '+3161234****', 'rated', '10000000'],
  );
});

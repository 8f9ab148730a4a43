/** A reseller's whole sync against the simulated provider: six commands, two tariffs, totals to the last digit. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { foreseePurge, purgeNow } from '../../../src/privacy/purge.ts';
import { listSuspense } from '../../../src/providers/routit/suspense.ts';
import { callsOf, control } from '../../simulator/http/served.ts';
import { closedCycle, type TruthTotal, truthLines } from '../../support/closed-cycle.ts';
import { type ResellerWorld, resellerWorld } from './reseller-world.ts';

const strangeNumber = '31850000999';

let world: ResellerWorld;
before(async () => {
  world = await resellerWorld({ records: 4400 });
});
after(() => world.close());

async function generations(): Promise<readonly { cycle: string; state: string; digest: string }[]> {
  return world.database.query(
    `select k.account_no || ' ' || g.cycle_start as cycle, g.state, encode(g.digest, 'hex') as digest
     from total_generation g join contract k on k.id = g.contract_id order by 1, g.generation`,
  );
}

test('totals of end customers equal the truth, and with what is in suspense they are the overview', async () => {
  // slow enough that all six would be under way together
  await world.faults({ at: 'ROUTIT.download', times: 0, fault: 'F15', arg: { bytesPerS: 40_000 } });
  const ended = await world.sync();
  assert.deepEqual([ended.state, ended.status, ended.reason], ['succeeded', 'succeeded', null]);
  assert.deepEqual(await world.differences(), []);
  const strange = 'suspense: 1 records of 1 numbers that are no subscription of the contract';
  assert.deepEqual(await world.deliveries(), {
    '5001 2026-03': strange,
    '5001 2026-10': strange,
    '5002 2026-03': strange,
    '5002 2026-10': strange,
    '5999 2026-03': 'suspense: no contract has the account 0000005999',
    '5999 2026-10': 'suspense: no contract has the account 0000005999',
  });
  const { endpoints } = await control<{ endpoints: Record<string, { calls: number; mostAtOnce: number }> }>(
    world.served,
    'GET',
    'stats',
  );
  assert.equal(endpoints['ROUTIT.download']!.calls, 6);
  const { mostAtOnce } = endpoints['ROUTIT.download']!;
  assert.ok(mostAtOnce >= 2 && mostAtOnce <= 4, `${mostAtOnce} at once`);
});

test('every record was bought at the price of the purchase tariff, or has none there', async () => {
  const checks = await world.database.query<{ records: string; unpriced: string; differing: string; same: boolean }>(
    `select records::text, unpriced::text, differing::text, stated_e8 = own_e8 as same from reseller_purchase`,
  );
  assert.deepEqual(
    checks.map(({ records, differing, same }) => [records, differing, same]),
    Array.from({ length: 4 }, () => ['1099', '0', true]),
  );
  // a satellite call and a type that nobody knows in each
  assert.ok(checks.every(({ unpriced }) => Number(unpriced) >= 2));
});

test('what nobody can be charged for is listed by end customer and number', async () => {
  const { suspense } = await control<{ suspense: { customerId: string; period: string; records: number }[] }>(
    world.served,
    'GET',
    'truth',
  );
  const rows = await listSuspense(world.database, 100);
  assert.deepEqual(
    rows.map(({ endCustomer, period, records }) => [endCustomer, period, records]),
    suspense.map(({ customerId, period, records }) => [customerId, period, records]),
  );
  assert.deepEqual(
    rows.map(({ reseller, customer, msisdn }) => `${reseller} ${customer} ${msisdn}`),
    [1, 2].flatMap(() => [`R001 C001 ${strangeNumber}`, `R001 C002 ${strangeNumber}`, 'R001 null null']),
  );
});

test('a second sync downloads nothing and leaves every digest', async () => {
  const before = await generations();
  const ended = await world.sync({ force: true });
  assert.equal(ended.status, 'succeeded');
  assert.equal(await callsOf(world.served, 'ROUTIT.download'), 6);
  assert.deepEqual(await generations(), before);
  assert.deepEqual(await world.differences(), []);
});

test('what nobody is told of goes when its retention is over, with its alert, and a forced sync brings it again', async () => {
  const archive = { remove: async () => true };
  const states = async () => Object.values(await world.deliveries()).map((state) => state.replace(/:.*/, ''));
  const before = await states();
  const waiting = (await listSuspense(world.database, 100)).length;
  assert.ok(waiting > 2);
  await world.database.query(
    `insert into alert (rule, subject, level, message) values ('routit.suspense', 'R001/0000005999/2026-03', 'warning', 'x')`,
  );
  assert.equal((await foreseePurge(world.database)).suspense, 0);
  // only March has ended thirteen months ago
  const months = `(extract(year from age(now(), '2026-04-01')) * 12 + extract(month from age(now(), '2026-04-01')))::int`;
  const keep = (text: string) => world.database.query(`update customer set retention = ${text} where code = 'R001'`);
  await keep(`jsonb_build_object('recordMonths', ${months})`);
  const foreseen = await foreseePurge(world.database);
  assert.equal(foreseen.suspense, before.filter((state) => state === 'suspense').length / 2);
  const purged = await purgeNow(world.database, archive, { batch: 150 });
  assert.deepEqual(
    [purged.suspense, purged.suspenseRecords, purged.more],
    [foreseen.suspense, foreseen.suspenseRecords, false],
  );
  const deliveries = await world.deliveries();
  assert.match(deliveries['5999 2026-03']!, /^refused: its records waited .* were removed$/);
  assert.equal(deliveries['5999 2026-10']!.split(':')[0], 'suspense');
  const [left] = await world.database.query(
    `select (select count(*)::int from reseller_cdr r join reseller_delivery d on d.id = r.delivery_id where d.period < '2026-10-01') as records,
       (select count(*)::int from raw_file where state = 'received' and name like '%_2026-03_%') as files,
       (select state from alert where rule = 'routit.suspense') as alert`,
  );
  assert.deepEqual(left, { records: 0, files: 0, alert: 'resolved' });
  await keep(`'{}'`);
  assert.equal((await world.sync({ force: true })).status, 'succeeded');
  assert.deepEqual(await states(), before);
  assert.equal((await listSuspense(world.database, 100)).length, waiting);
  assert.deepEqual(await world.differences(), []);
});

test('what comes out of suspense after the records of its cycle were purged is refused, and holds up nobody', async () => {
  const of5001 = `(select id from contract where account_no = '0000005001')`;
  const purge = (at: string) =>
    world.database.query(
      `update cycle set purge_begun_at = ${at} where contract_id = ${of5001} and cycle_start = '2026-03-01'`,
    );
  await purge('now()');
  await world.database.query(
    `insert into subscription (contract_id, msisdn, source) values (${of5001}, '${strangeNumber}', 'manual')`,
  );
  assert.equal((await world.sync()).status, 'succeeded');
  const states = await world.deliveries();
  assert.match(states['5001 2026-03']!, /^refused: it has records of cycle 2026-03-01, whose own were purged/);
  assert.equal(states['5001 2026-10'], 'matched');
  await purge('null');
  await world.database.query(`delete from subscription where msisdn = '${strangeNumber}' and contract_id = ${of5001}`);
});

test('a number and a customer that are told come out of suspense with the next sync, by themselves', async () => {
  assert.equal((await world.sync({ force: true })).status, 'succeeded');
  const downloads = await callsOf(world.served, 'ROUTIT.download');
  await world.applyCustomers(({ customers }) => {
    for (const { contracts } of customers) {
      for (const one of contracts)
        if (one.account.startsWith('000000500')) one.subscriptions.push({ msisdn: strangeNumber });
    }
    const contract = {
      provider: 'ROUTIT',
      account: '5999',
      tariff: 'routit-resale',
      subscriptions: [{ msisdn: '31850000998' }],
    };
    customers.push({ code: 'C999', name: 'Toch bekend', numberMask: 4, contracts: [contract] });
  });
  assert.equal((await world.sync()).status, 'succeeded');
  assert.deepEqual(new Set(Object.values(await world.deliveries())), new Set(['matched']));
  assert.deepEqual(await listSuspense(world.database, 100), []);
  assert.deepEqual(await world.database.query('select 1 from reseller_cdr'), []);
  assert.ok(!world.openAlerts().some((alert) => alert.startsWith('routit.')), world.openAlerts().join());
  const records = await world.database.query<{ account: string; records: string }>(
    `select k.account_no as account, sum(u.records)::text as records from total_usage_new_table u
     join contract k on k.id = u.contract_id group by 1 order by 1`,
  );
  assert.deepEqual(
    records.map(({ account, records: count }) => `${account} ${count}`),
    ['0000005001 2200', '0000005002 2200', '0000005999 50'],
  );
  const periods = await world.database.query<{ state: string; waiting: string }>(
    'select state, suspense_e8::text as waiting from reseller_period order by period',
  );
  assert.ok(periods.every(({ state, waiting }) => state === 'agrees' && waiting === '0'));
  assert.equal(await callsOf(world.served, 'ROUTIT.download'), downloads);
});

test('F07 a file that is delivered anew replaces the month; F22 after the cycle was closed it adjusts the open one, once', async () => {
  const october = closedCycle(world.database, '0000005002', '2026-10-01');
  const before = await october.generations();
  await october.close();
  for (const order of [
    { customer: '0000005001', period: '2026-03' },
    { customer: '0000005002', period: '2026-10' },
  ]) {
    await control(world.served, 'POST', 'redeliver', order);
  }
  assert.equal((await world.sync({ force: true })).status, 'succeeded');
  const replaced = (await generations()).filter(({ cycle }) => cycle === '0000005001 2026-03-01');
  assert.deepEqual(
    replaced.map(({ state }) => state),
    ['backup', 'backup', 'current'],
  );
  assert.deepEqual(await october.generations(), { ...before, cycle: 'adjusted' });
  const adjusting = await october.adjustments('C002');
  const takenBack = adjusting.shown.filter(({ takesBack }) => takesBack).length;
  // what has changed is taken back and billed anew, what has gone is taken back
  assert.ok(takenBack > adjusting.shown.length / 2 && takenBack < adjusting.shown.length, `${takenBack} taken back`);
  assert.ok(adjusting.shown.every(({ adjusts, reproduced }) => adjusts === '2026-10-01' && reproduced));
  const { cycles } = await control<{ cycles: { account: string; cycleStart: string; totals: TruthTotal[] }[] }>(
    world.served,
    'GET',
    'truth',
  );
  const { totals } = cycles.find((one) => one.account === '0000005002' && one.cycleStart === '2026-10-01')!;
  const numbers = totals.map(({ msisdn }) => msisdn);
  assert.deepEqual(await october.lines(numbers), truthLines(totals));
  const states = await world.database.query<{ state: string }>('select state from reseller_period');
  assert.ok(
    states.every(({ state }) => state === 'agrees'),
    JSON.stringify(states),
  );
  assert.equal((await world.sync({ force: true })).status, 'succeeded');
  assert.deepEqual(await october.adjustments('C002'), adjusting);
});

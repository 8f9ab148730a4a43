/** Allowances from the customers document to published totals: who takes what, and what a late call changes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openComputePool } from '../../src/compute/open-pool.ts';
import { applyCustomers } from '../../src/customers/apply.ts';
import { ensureCycles } from '../../src/totals/cycles.ts';
import { explainTotals } from '../../src/totals/explain.ts';
import { recalculation } from '../../src/totals/steps.ts';
import { loadTariff } from '../../src/totals/tariff-store.ts';
import { type Harness, harness, isState } from '../chains/harness.ts';

let h: Harness;
let contractId: string;
const cycleStart = '2026-03-01';
const compute = openComputePool({ threads: 1 });
const noAlerts = { raise() {}, resolve() {}, flush: async () => {} };
const definition = recalculation(compute, noAlerts);

const customers = {
  customers: [
    {
      code: 'C001',
      name: 'Bakkerij Jansen',
      contracts: [
        {
          provider: 'KPN',
          account: '101',
          tariff: 'flat',
          subscriptions: [
            { msisdn: '31611111111' },
            {
              msisdn: '31622222222',
              allowances: [
                { name: 'own', kind: 'voice', amount: 10, unit: 's', scope: { categories: ['national-mobile'] } },
              ],
            },
          ],
          allowances: [
            {
              name: 'all',
              kind: 'voice',
              amount: 2,
              unit: 'min',
              shared: true,
              scope: { categories: ['national-mobile'] },
            },
          ],
        },
      ],
    },
  ],
};

const tariff = {
  tariff: 'flat',
  provider: 'KPN',
  currency: 'EUR',
  timeZone: 'Europe/Amsterdam',
  versions: [
    {
      validFrom: '2026-01-01T00:00:00',
      validTo: null,
      rules: [
        {
          id: 'mobile',
          kind: 'voice',
          match: { prefixes: ['316'] },
          connectFee: '0.05',
          cap: { amount: '0.20', strategy: 'disconnect' },
          steps: [{ from: 0, price: '0.12', per: 60, first: 60, next: 60 }],
        },
      ],
    },
  ],
};

before(async () => {
  h = await harness();
  h.engine([definition]);
  await h.database.transaction(async (tx) => {
    await loadTariff(tx, tariff);
    await applyCustomers(tx, customers);
    const [contract] = await tx.query<{ id: string }>('select id from contract');
    contractId = contract!.id;
    await ensureCycles(tx, { id: contractId, cycleDay: 1, timeZone: 'Europe/Amsterdam' }, [cycleStart]);
    await tx.query(
      `with p as (
         insert into sync_profile (name, contract_id, sync_type, transport) values ('p', $1, 'KPN_SP16', '{}') returning id)
       insert into raw_file (contract_id, profile_id, name, sha256, bytes, state)
       select $1, p.id, 'f', '\\x00', 1, 'imported' from p`,
      [contractId],
    );
  });
});
after(async () => {
  await h.close();
  await compute.close();
});

async function call(key: string, time: string, msisdn: string, seconds: number): Promise<void> {
  await h.database.query(
    `insert into cdr (contract_id, cycle_start, raw_file_id, line_no, record_key, content_hash, msisdn, kind, category,
       b_prefix, b_masked, started_at, local_start, usage_s, provider_amount_e8)
     select $1, $2, f.id, 2, convert_to($3, 'UTF8'), 1, $4, 'voice', 'national-mobile', '3161234', '+3161234****',
       ('2026-03-02T' || $5 || 'Z')::timestamptz, ('2026-03-02T' || $5)::timestamp + interval '1 hour', $6, 0 from raw_file f`,
    [contractId, cycleStart, key, msisdn, time, seconds],
  );
}

async function recalculate(): Promise<void> {
  const input = { contractId, cycleStart, requestedBy: 'test' };
  const { chainId } = await h.enqueueWith([definition])(h.database, definition, input);
  await h.chainUntil(chainId, isState('succeeded'), 20_000);
}

/** key, amount in 1e-4 EUR, allowances taken by name, finding. */
async function rated(): Promise<unknown[]> {
  return h.database.query(
    `select convert_from(c.record_key, 'UTF8') as key, (r.amount_e8 / 10000)::int as amount, r.finding,
       (select jsonb_object_agg(a.name, u.value::int) from jsonb_each_text(r.allowance_used) u join allowance a on a.id = u.key::bigint) as took
     from rated_cdr r join cdr c on c.contract_id = r.contract_id and c.id = r.cdr_id
     join total_generation g on g.rating_run_id = r.rating_run_id and g.state = 'current' order by c.started_at, c.record_key`,
  );
}

test('a late earlier call takes the bundle from later ones: the whole group is rated again', async () => {
  await call('b', '12:00:00', '31611111111', 100);
  await call('c', '13:00:00', '31622222222', 30);
  await call('d', '13:00:00', '31611111111', 500);
  await recalculate();
  const before = [
    { key: 'b', amount: 0, finding: null, took: { all: 120 } },
    { key: 'c', amount: 1500, finding: null, took: { own: 10 } },
    { key: 'd', amount: 2000, finding: 'cap-disconnect', took: null },
  ];
  assert.deepEqual(await rated(), before);
  await call('a', '11:00:00', '31622222222', 61);
  await recalculate();
  assert.deepEqual(await rated(), [
    { key: 'a', amount: 0, finding: null, took: { own: 10, all: 110 } },
    { key: 'b', amount: 2000, finding: 'cap-disconnect', took: { all: 10 } },
    { key: 'c', amount: 1700, finding: null, took: null },
    { key: 'd', amount: 2000, finding: 'cap-disconnect', took: null },
  ]);
  const usage = await h.database.query(
    `select a.name, u.msisdn, u.amount::int, u.used::int from allowance_usage u join allowance a on a.id = u.allowance_id order by 1`,
  );
  assert.deepEqual(usage, [
    { name: 'all', msisdn: '', amount: 120, used: 120 },
    { name: 'own', msisdn: '31622222222', amount: 10, used: 10 },
  ]);
});

test('explain shows what each record took, and comes to the stored amount again', async () => {
  const query = { customer: 'C001', cycle: cycleStart, limit: 10 };
  const [explained] = await h.database.read((session) => explainTotals(session, query));
  const shown = explained!.shown.map(
    ({ allowances, amountE8, connectFeeE8, limit, finding, number, reproduced, pieces }) => ({
      took: allowances.map(({ name, used }) => `${name} ${used}`).join(', '),
      amount: Number(amountE8) / 10_000,
      fee: Number(connectFeeE8) / 10_000,
      covered: pieces.map((piece) => piece.covered),
      limit,
      finding,
      number,
      reproduced,
    }),
  );
  const mobile = { kind: 'mobile', country: 'NL' };
  const common = { limit: null, finding: null, number: mobile, reproduced: true };
  const capped = { ...common, limit: 'cap', finding: 'cap-disconnect' };
  assert.deepEqual(shown, [
    { ...common, took: 'own 10, all 110', amount: 0, fee: 0, covered: [120] },
    { ...capped, took: 'all 10', amount: 2000, fee: 500, covered: [10] },
    { ...common, took: '', amount: 1700, fee: 500, covered: [0] },
    { ...capped, took: '', amount: 2000, fee: 500, covered: [0] },
  ]);
});

test('an allowance told again is changed, one of another first day must not overlap it', async () => {
  const told = (changes: object[]) => {
    const document = structuredClone(customers);
    const [contract] = document.customers[0]!.contracts;
    const [all] = contract!.allowances;
    contract!.allowances = changes.map((change) => ({ ...all!, ...change }));
    return h.database.transaction((tx) => applyCustomers(tx, document));
  };
  await assert.rejects(
    told([{ validFrom: '2026-04-01' }]),
    /account 101: allowance all from 2026-04-01 overlaps the stored one of \(,\); give that one a validTo first/,
  );
  assert.equal((await told([{ validFrom: '2026-04-01', amount: 5 }, { validTo: '2026-04-01' }])).allowances, 3);
  const rows = await h.database.query(
    `select valid::text, amount::int from allowance where name = 'all' order by lower(valid) nulls first`,
  );
  assert.deepEqual(rows, [
    { valid: '(,2026-04-01)', amount: 120 },
    { valid: '[2026-04-01,)', amount: 300 },
  ]);
});

test('two allowances of one name and first day in a document are refused: the second would take the place of the first', async () => {
  const document = structuredClone(customers);
  const [contract] = document.customers[0]!.contracts;
  const extra = { ...contract!.allowances[0]!, name: 'extra' };
  contract!.allowances = [extra, { ...extra, kind: 'sms', unit: 'messages', scope: { categories: ['sms'] } }];
  await assert.rejects(
    h.database.transaction((tx) => applyCustomers(tx, document)),
    /account 101: allowance extra from the beginning is there twice; give each a name of its own/,
  );
});

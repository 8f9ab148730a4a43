/** What can be wrong with a file of charges although its md5 is right: refused whole, taken as it is, or line by line. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { control } from '../../simulator/http/served.ts';
import { type ResellerWorld, resellerWorld } from './reseller-world.ts';

let world: ResellerWorld;
before(async () => {
  world = await resellerWorld();
  assert.equal((await world.sync()).status, 'succeeded');
});
after(() => world.close());

/** `nth` of the simulator: the known customers' files. */
const files = [
  { nth: 1, customer: '0000005001', period: '2026-03' },
  { nth: 2, customer: '0000005002', period: '2026-03' },
  { nth: 4, customer: '0000005001', period: '2026-10' },
  { nth: 5, customer: '0000005002', period: '2026-10' },
];

interface Bad {
  readonly fault: string;
  readonly kind: string;
  /** What the delivery must be; null: imported. */
  readonly refused: RegExp | null;
}

const rounds: readonly (readonly Bad[])[] = [
  [
    { fault: 'F04', kind: 'truncated', refused: /gzip that ends too early/ },
    { fault: 'F05', kind: 'rows', refused: /holds 200 records, the overview says 201/ },
    { fault: 'F05', kind: 'net', refused: /adds up to .* the overview says/ },
    { fault: 'F20', kind: 'customer', refused: /0000005777|another account|wrong-account/ },
  ],
  [
    { fault: 'F10', kind: 'swap', refused: /./ },
    { fault: 'F10', kind: 'x100', refused: /./ },
    { fault: 'F10', kind: 'x100-agreed', refused: /./ },
    { fault: 'F11', kind: 'renamed', refused: /Purchase/ },
  ],
  [
    { fault: 'F09', kind: 'latin1', refused: /./ },
    { fault: 'F09', kind: 'nul', refused: /./ },
    { fault: 'F12', kind: 'garbage', refused: /./ },
    { fault: 'F12', kind: 'future', refused: /./ },
  ],
  [
    { fault: 'F12', kind: 'negative', refused: /./ },
    { fault: 'F12', kind: 'before-contract', refused: /before the contract's first day/ },
    { fault: 'F17', kind: 'bomb', refused: /./ },
    { fault: 'F09', kind: 'no-mark', refused: null },
  ],
  [
    { fault: 'F09', kind: 'quoted-newline', refused: null },
    { fault: 'F11', kind: 'order', refused: null },
    { fault: 'F11', kind: 'new-column', refused: null },
    { fault: 'F17', kind: 'formula', refused: null },
  ],
  [{ fault: 'F11', kind: 'new-type', refused: null }],
];

async function fileStates(): Promise<readonly { name: string; state: string; rows: number }[]> {
  return world.database.query(
    `select f.name, f.state, (select count(*)::int from cdr c where c.raw_file_id = f.id) as rows
     from raw_file f where f.state = 'quarantined'`,
  );
}

for (const round of rounds) {
  const named = round.map(({ fault, kind }) => `${fault} ${kind}`).join(', ');
  test(`${named}: refused whole or imported, the other customers untouched, and good again when the good file comes`, async () => {
    await world.faults(
      ...round.map(({ fault, kind }, index) => ({ at: 'ROUTIT.file', nth: files[index]!.nth, fault, arg: { kind } })),
    );
    try {
      assert.equal((await world.sync({ force: true })).status, 'succeeded');
      const states = await world.deliveries();
      for (const [index, { kind, refused }] of round.entries()) {
        const { customer, period } = files[index]!;
        const state = states[`${customer.slice(-4)} ${period}`]!;
        if (refused === null) assert.equal(state, 'matched', kind);
        else assert.match(state, new RegExp(`^refused: .*${refused.source}`, 's'), kind);
      }
      const bad = round.filter(({ refused }) => refused !== null).length;
      const quarantined = await fileStates();
      assert.ok(quarantined.every(({ rows }) => rows === 0));
      // wrong words of the overview about bytes that are in totals do not take them out
      assert.equal(quarantined.length, bad - round.filter(({ fault }) => fault === 'F05').length);
      assert.equal(world.openAlerts().filter((alert) => alert.startsWith('file.quarantined')).length, bad);
      // what was imported before stands, so that nobody's totals are wrong meanwhile
      const cycles = (await world.differences()).filter((difference) => !difference.startsWith('reseller'));
      assert.deepEqual(cycles, []);
    } finally {
      for (const [index] of round.entries()) {
        const { customer, period } = files[index]!;
        await control(world.served, 'POST', 'deliver', { customer, period });
      }
    }
    assert.equal((await world.sync({ force: true })).status, 'succeeded');
    assert.deepEqual(await world.differences(), []);
    assert.ok(!world.openAlerts().some((alert) => alert.startsWith('file.quarantined')));
    await world.database.query(`delete from quarantine`);
    await world.database.query(`update raw_file set state = 'superseded' where state = 'quarantined'`);
  });
}

test('F16 an empty month is imported, its totals wait for a person, and the good file makes that needless', async () => {
  await world.faults({ at: 'ROUTIT.file', nth: 2, fault: 'F16' });
  assert.equal((await world.sync({ force: true })).status, 'succeeded');
  assert.equal((await world.deliveries())['5002 2026-03'], 'matched');
  const states = () =>
    world.database.query<{ state: string; records: number }>(
      `select g.state, (select coalesce(sum(u.records), 0)::int from total_usage u where u.contract_id = g.contract_id
         and u.cycle_start = g.cycle_start and u.generation = g.generation) as records
       from total_generation g join contract k on k.id = g.contract_id
       where k.account_no = '0000005002' and g.cycle_start = '2026-03-01' and g.state in ('current', 'review')
       order by g.state`,
    );
  assert.deepEqual(await states(), [
    { state: 'current', records: 200 },
    { state: 'review', records: 0 },
  ]);
  await control(world.served, 'POST', 'deliver', { customer: '0000005002', period: '2026-03' });
  assert.equal((await world.sync({ force: true })).status, 'succeeded');
  assert.deepEqual(await states(), [{ state: 'current', records: 200 }]);
  assert.deepEqual(await world.differences(), []);
});

test('records of a cycle whose own were purged are refused with their file, and hold up nobody', async () => {
  const purge = (has: boolean) =>
    world.database.query(
      `update cycle y set purge_begun_at = case when $1 then now() end from contract k
       where k.id = y.contract_id and k.account_no = '0000005001' and y.cycle_start = '2026-03-01'`,
      [has],
    );
  await purge(true);
  for (const customer of ['0000005001', '0000005002']) {
    await control(world.served, 'POST', 'redeliver', { customer, period: '2026-03' });
  }
  assert.equal((await world.sync({ force: true })).status, 'succeeded');
  const states = await world.deliveries();
  assert.match(states['5001 2026-03']!, /^refused: it has records of cycle 2026-03-01, whose own were purged/);
  assert.equal(states['5002 2026-03'], 'matched');
  assert.ok(world.openAlerts().some((alert) => alert.startsWith('file.quarantined')));
  await purge(false);
  assert.equal((await world.sync({ force: true })).status, 'succeeded');
  assert.deepEqual(await world.differences(), []);
});

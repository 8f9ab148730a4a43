import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { type Archive, openArchive } from '../../src/archive/archive.ts';
import type { ChainDefinition } from '../../src/chains/define.ts';
import { foreseePurge, isPurgePending, purgeChain, purgeNow, purgeRound } from '../../src/privacy/purge.ts';
import { explainTotals } from '../../src/totals/explain.ts';
import { pinCurrent } from '../../src/totals/generations.ts';
import { isState } from '../chains/harness.ts';
import { type BilledContract, type BillingWorld, billingWorld } from '../totals/billed-contract.ts';

let world: BillingWorld;
let archive: Archive;
const directory = mkdtempSync(join(tmpdir(), 'purge-'));
const march = '2026-03-01';
const april = '2026-04-01';

before(async () => {
  world = await billingWorld();
  await world.loadPrice(6);
  mkdirSync(join(directory, 'archive'));
  archive = await openArchive(join(directory, 'archive'), {
    expectedId: null,
    randomId: randomUUID,
    nowMs: () => Date.now(),
  });
});
after(async () => {
  await world.close();
  rmSync(directory, { recursive: true });
});

/** March and April, published and closed. */
async function billed(): Promise<BilledContract> {
  const contract = await world.contract();
  await contract.deliver([
    { id: 'a', day: '2026-03-10', seconds: 100 },
    { id: 'b', day: '2026-03-11', seconds: 50 },
  ]);
  await contract.deliver([{ id: 'c', day: '2026-04-10', seconds: 70 }]);
  await contract.settle();
  await contract.closeCycle(march);
  await contract.closeCycle(april);
  return contract;
}

/** As if the cycle had ended and was closed so many days ago; its first day is its name and stays. */
const endedDaysAgo = ({ contractId }: BilledContract, cycle: string, days: number) =>
  world.database.query(
    `update cycle set cycle_end = (now() - make_interval(days => $3))::date, closed_at = now() - make_interval(days => $3)
     where contract_id = $1 and cycle_start = $2`,
    [contractId, cycle, days],
  );

const rowsOf = async ({ contractId }: BilledContract, cycle: string) => {
  const [row] = await world.database.query(
    `select (select count(*) from cdr where contract_id = $1 and cycle_start = $2)::int as cdr,
       (select count(*) from rated_cdr where contract_id = $1 and cycle_start = $2)::int as rated`,
    [contractId, cycle],
  );
  return row;
};

test('thirteen months after its end the records of a closed cycle go, and its totals, digest and generation stay', async () => {
  const contract = await billed();
  const before = await contract.totals();
  await endedDaysAgo(contract, march, 390);
  assert.equal(await isPurgePending(world.database), false);
  await endedDaysAgo(contract, march, 400);
  const foreseen = await world.database.read((session) => foreseePurge(session));
  assert.deepEqual([foreseen.cycles, foreseen.cdr, foreseen.rated], [1, 2, 2]);
  assert.deepEqual(await rowsOf(contract, march), { cdr: 2, rated: 2 });
  const purged = await purgeNow(world.database, archive);
  assert.deepEqual([purged.cycles, purged.cdr, purged.rated, purged.more], [1, 2, 2, false]);
  assert.deepEqual(await rowsOf(contract, march), { cdr: 0, rated: 0 });
  assert.deepEqual(await rowsOf(contract, april), { cdr: 1, rated: 1 });
  assert.deepEqual(await contract.totals(), before);
  const pinned = await world.database.transaction((tx) => pinCurrent(tx, contract.contractId, march, 'anna'));
  assert.equal(pinned.digest, before[march]!.digest);
  const again = await purgeNow(world.database, archive);
  assert.deepEqual([again.cycles, again.cdr, again.partitions], [0, 0, []]);
});

test('totals explain says that the records were purged, and nothing makes new totals of what is left', async () => {
  const contract = await billed();
  await endedDaysAgo(contract, march, 400);
  await purgeNow(world.database, archive);
  const query = { customer: contract.code, cycle: march, limit: 10 };
  const [explained] = await world.database.read((session) => explainTotals(session, query));
  assert.deepEqual([explained!.records, explained!.shown.length], [2, 0]);
  assert.match(explained!.purgedAt!, /^20/);
  await assert.rejects(contract.reopenCycle(march), /the records of cycle 2026-03-01 were purged/);
  // a re-delivery would be billed once more
  await assert.rejects(contract.deliver([{ id: 'a', day: '2026-03-10', seconds: 101 }], 1), {
    name: 'PurgedCycleError',
  });
});

test('a month of which nothing is to be kept is dropped whole, and deleted row by row while another contract needs it', async () => {
  await world.database.query(
    `update cycle set cycle_end = current_date - 500 where cycle_start = $1 and state = 'closed'`,
    [march],
  );
  const contract = await billed();
  await endedDaysAgo(contract, march, 400);
  const other = await billed();
  const kept = await purgeNow(world.database, archive, { batch: 1 });
  assert.deepEqual(kept.partitions, []);
  assert.deepEqual(
    [await rowsOf(contract, march), await rowsOf(other, march)],
    [
      { cdr: 0, rated: 0 },
      { cdr: 2, rated: 2 },
    ],
  );
  await endedDaysAgo(other, march, 400);
  const dropped = await purgeNow(world.database, archive);
  assert.deepEqual(dropped.partitions, ['cdr_2026_03', 'rated_cdr_2026_03']);
  assert.deepEqual([dropped.cdr, dropped.rated], [2, 2]);
  const [tables] = await world.database.query(
    `select to_regclass('cdr_2026_03') as cdr, to_regclass('rated_cdr_2026_03') as rated`,
  );
  assert.deepEqual(tables, { cdr: null, rated: null });
  assert.deepEqual(await rowsOf(contract, april), { cdr: 1, rated: 1 });
});

test('a month that somebody reads is left for the next time, and nothing waits behind the drop', async () => {
  const contract = await billed();
  await endedDaysAgo(contract, march, 400);
  await world.database.transaction(async (reader) => {
    await reader.query('select 1 from cdr limit 1');
    const rounds = [];
    for (const _ of [1, 2]) rounds.push(await world.database.transaction((tx) => purgeRound(tx, archive)));
    assert.deepEqual(
      rounds.map(({ cycles, busy }) => [cycles, busy]),
      [
        [1, false],
        [0, true],
      ],
    );
  });
  assert.deepEqual((await purgeNow(world.database, archive)).partitions, ['cdr_2026_03', 'rated_cdr_2026_03']);
});

test('a cycle that nobody closed is kept and told of', async () => {
  const contract = await world.contract();
  await contract.deliver([{ id: 'a', day: '2026-03-10', seconds: 100 }]);
  await contract.settle();
  await endedDaysAgo(contract, march, 4_000);
  const purged = await purgeNow(world.database, archive);
  assert.deepEqual([purged.keptOpen, purged.cdr], [1, 0]);
  await contract.closeCycle(march);
  await purgeNow(world.database, archive);
});

test('a customer may keep its records longer or shorter', async () => {
  const contract = await billed();
  const own = (retention: object) =>
    world.database.query('update customer set retention = $2 where id = $1', [
      contract.customerId,
      JSON.stringify(retention),
    ]);
  await endedDaysAgo(contract, april, 400);
  await own({ recordMonths: 24 });
  assert.equal(await isPurgePending(world.database), false);
  await own({ recordMonths: 12 });
  assert.equal((await purgeNow(world.database, archive)).cdr, 1);
});

test('bytes go ninety days after their cycle closed, when no other contract needs them, and their row says so', async () => {
  const one = await billed();
  const other = await billed();
  const { sha256, path } = await archive.put(Readable.from([Buffer.from('of both')]));
  const file = async ({ contractId, profileId }: BilledContract, name: string, state: string) => {
    await world.database.query(
      `insert into raw_file (contract_id, profile_id, name, sha256, bytes, period, state, stored_at)
       values ($1, $2, $3, decode($4, 'hex'), 7, '[2026-03-01,2026-03-31]', $5, now() - interval '200 days')`,
      [contractId, profileId, name, sha256, state],
    );
  };
  await file(one, 'one', 'imported');
  await file(one, 'copy', 'duplicate');
  await file(other, 'other', 'imported');
  await endedDaysAgo(one, march, 91);
  await endedDaysAgo(other, march, 89);
  const purge = async () => {
    const { files, bytes } = await purgeNow(world.database, archive, { rounds: 3 });
    return [files, bytes];
  };
  assert.deepEqual(await purge(), [0, 0]);
  await endedDaysAgo(other, march, 91);
  // it was put a moment ago: somebody may be about to need it
  assert.deepEqual(await purge(), [0, 0]);
  assert.ok((await stat(path)).isFile());
  await utimes(path, 1, 1);
  assert.deepEqual(await purge(), [1, 7]);
  await assert.rejects(stat(path), { code: 'ENOENT' });
  const rows = await world.database.query(
    `select state, purged_at is not null as purged from raw_file where sha256 = decode($1, 'hex') order by id`,
    [sha256],
  );
  assert.deepEqual(
    rows.map(({ state, purged }) => [state, purged]),
    [
      ['imported', true],
      ['duplicate', true],
      ['imported', true],
    ],
  );
  // the same bytes once more are a duplicate, and in the archive once more
  await archive.put(Readable.from([Buffer.from('of both')]));
  await file(one, 'once more', 'duplicate');
  await utimes(path, 1, 1);
  assert.deepEqual(await purge(), [1, 7]);
  await assert.rejects(stat(path), { code: 'ENOENT' });
});

test('lines in quarantine go after thirty days, totals and invoices after seven years', async () => {
  const contract = await billed();
  const { contractId, profileId } = contract;
  const [file] = await world.database.query(
    `insert into raw_file (contract_id, profile_id, name, sha256, bytes, state) values ($1, $2, 'x', '\\x77', 7, 'imported') returning id`,
    [contractId, profileId],
  );
  await world.database.query(
    `insert into quarantine (raw_file_id, code, message, at)
     select $1, 'bad', 'bad', now() - make_interval(days => d) from unnest(array[29, 31]) d`,
    [file!.id],
  );
  await world.database.query(
    `insert into invoice (contract_id, number, kind, invoice_date, cycle_start, fees_cycle_start, net_e8, vat_e8, gross_e8, content_hash, loaded_by)
     values ($1, 'I1', 'invoice', '2026-04-01', '2026-03-01', '2026-04-01', 0, 0, 0, '\\x00', 'test')`,
    [contractId],
  );
  assert.equal((await purgeNow(world.database, archive)).quarantine, 1);
  const left = async () => {
    const [row] = await world.database.query(
      `select (select count(*) from total_generation where contract_id = $1)::int as generations,
         (select count(*) from total_usage where contract_id = $1)::int as usage,
         (select count(*) from rating_run where contract_id = $1)::int as runs, (select count(*) from invoice where contract_id = $1)::int as invoices`,
      [contractId],
    );
    return row;
  };
  await endedDaysAgo(contract, march, 7 * 365 - 10);
  assert.equal((await purgeNow(world.database, archive)).totals, 0);
  assert.deepEqual(await left(), { generations: 2, usage: 2, runs: 2, invoices: 1 });
  await endedDaysAgo(contract, march, 7 * 366);
  assert.equal((await purgeNow(world.database, archive)).totals, 1);
  assert.deepEqual(await left(), { generations: 1, usage: 1, runs: 1, invoices: 0 });
});

test('the chain goes on piece by piece until nothing is left, and what went is in the audit', async () => {
  const contract = await billed();
  await endedDaysAgo(contract, march, 400);
  await endedDaysAgo(contract, april, 400);
  const definition = purgeChain(archive) as unknown as ChainDefinition;
  world.h.engine([definition]);
  const { chainId } = await world.h.enqueueWith([definition])(world.database, definition, {});
  await world.h.chainUntil(chainId, isState('succeeded'), 30_000);
  assert.deepEqual(
    [await rowsOf(contract, march), await rowsOf(contract, april)],
    [
      { cdr: 0, rated: 0 },
      { cdr: 0, rated: 0 },
    ],
  );
  const [audit] = await world.database.query(`select count(*)::int as n from audit where action = 'purge.removed'`);
  assert.ok(audit!.n >= 2);
});

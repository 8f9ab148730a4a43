/**
 * What an import takes of what waits: nothing that another profile of the contract imported in the meantime, nothing of another
 * sync type, and what follows a number that came.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Archive, openArchive } from '../../../src/archive/archive.ts';
import type { StepContext } from '../../../src/chains/define.ts';
import { openComputePool } from '../../../src/compute/open-pool.ts';
import type { ComputePool } from '../../../src/compute/pool.ts';
import { importWith } from '../../../src/providers/interpreter/import.ts';
import type { InterpreterServices } from '../../../src/providers/interpreter/services.ts';
import type { SyncInput } from '../../../src/providers/sync-input.ts';
import { type Harness, harness } from '../../chains/harness.ts';
import { makeContract, type TestContract } from '../../support/contract.ts';
import { callsOf, provider } from './api-world.ts';

const directory = mkdtempSync(join(tmpdir(), 'two-profiles-'));
const adapter = provider({ kind: 'basic' }, 'cursor');
let h: Harness;
let archive: Archive;
let compute: ComputePool;
let contract: TestContract;
let otherProfile: string;
before(async () => {
  h = await harness();
  compute = openComputePool({ threads: 1 });
  archive = await openArchive(directory, { expectedId: null, randomId: () => crypto.randomUUID(), nowMs: Date.now });
  contract = await makeContract(h.database);
  await h.database.query(`update sync_profile set sync_type = 'PAGES'`);
  const [other] = await h.database.query<{ id: string }>(
    `insert into sync_profile (name, contract_id, sync_type, transport) values ('other', $1, 'OTHER', '{}') returning id`,
    [contract.contractId],
  );
  otherProfile = other!.id;
});
after(async () => {
  await compute.close();
  await h.close();
  rmSync(directory, { recursive: true });
});

async function received(
  profileId: string,
  cost: string,
  version: number,
  { key = 'a', seq = null as number | null, state = 'received' } = {},
): Promise<string> {
  const items = callsOf('2026-03-01T10:00:00Z', 1).map((call) => ({ ...call, cost }));
  const { sha256, bytes } = await archive.put(
    (async function* () {
      yield Buffer.from(JSON.stringify({ items, key }));
    })(),
  );
  const [row] = await h.database.query<{ id: string }>(
    `insert into raw_file (contract_id, profile_id, version, name, sha256, bytes, logical_key, state, seq)
     values ($1, $2, $3, $4, decode($5, 'hex'), $6, $7, $8, $9) returning id`,
    [
      contract.contractId,
      profileId,
      version,
      `0000000101_a_b_${key}_000${version}.json`,
      sha256,
      bytes,
      key,
      state,
      seq,
    ],
  );
  return row!.id;
}

const alerts = new Map<string, string>();
const alertsOfTest = {
  raise: ({ rule, message }: { rule: string; message: string }) => void alerts.set(rule, message),
  resolve: (rule: string) => void alerts.delete(rule),
  flush: async () => {},
};

function prepare(of = adapter) {
  const services = { archive, compute, alerts: alertsOfTest };
  const context = {
    input: { syncTaskId: '1', profileId: contract.profileId, contractId: contract.contractId, force: false },
    read: h.database,
    signal: new AbortController().signal,
    progress() {},
    spoolDirectory: async () => mkdtempSync(join(directory, 'spool-')),
  };
  return importWith(of, services as unknown as InterpreterServices)(context as unknown as StepContext<SyncInput>);
}
const stored = async (prepared: Awaited<ReturnType<typeof prepare>>) =>
  h.database.transaction((tx) => prepared.store(tx, []));
const states = async () =>
  (await h.database.query<{ state: string }>('select state from raw_file order by id')).map(({ state }) => state);

test('what another import took in the meantime is not imported again over its successor', async () => {
  await h.database.query(
    `insert into sync_task (profile_id, requested_by, cycle_start) values ($1, 'test', current_date)`,
    [contract.profileId],
  );
  await received(contract.profileId, '0.1000', 1);
  const early = await prepare();
  await received(contract.profileId, '0.2000', 2);
  await stored(await prepare());
  assert.deepEqual(await states(), ['superseded', 'imported']);
  const counts = (await stored(early)) as { files: number };
  assert.equal(counts.files, 0);
  assert.deepEqual(await states(), ['superseded', 'imported']);
  const [active] = await h.database.query<{ amount: string }>(
    `select provider_amount_e8 as amount from cdr where state = 'active'`,
  );
  assert.equal(Number(active!.amount), 20_000_000);
});

test('what came by a profile of another sync type is left to that', async () => {
  await h.database.query('delete from raw_file where not exists (select from cdr where raw_file_id = raw_file.id)');
  const id = await received(otherProfile, '0.3000', 1, { key: 'other' });
  await stored(await prepare());
  const [row] = await h.database.query<{ state: string }>('select state from raw_file where id = $1', [id]);
  assert.equal(row!.state, 'received');
});

test('a number that came with the bytes of another file does not hold back what follows it', async () => {
  const files = { ...adapter.layout.files, sequence: { field: 'page', gap: 'block' as const } };
  const sequenced = { ...adapter, layout: { ...adapter.layout, files } };
  await received(contract.profileId, '0.4000', 1, { key: 's1', seq: 1, state: 'imported' });
  await received(contract.profileId, '0.4000', 1, { key: 's2', seq: 2, state: 'duplicate' });
  const third = await received(contract.profileId, '0.5000', 1, { key: 's3', seq: 3 });
  await stored(await prepare(sequenced));
  const [row] = await h.database.query<{ state: string }>('select state from raw_file where id = $1', [third]);
  assert.equal(row!.state, 'imported');
  assert.deepEqual([...alerts], []);
});

test('F08 numbers that begin anew are imported, and told until the old ones are passed', async () => {
  const files = { ...adapter.layout.files, sequence: { field: 'page', gap: 'block' as const } };
  const sequenced = { ...adapter, layout: { ...adapter.layout, files } };
  await received(contract.profileId, '0.6000', 1, { key: 'next-year', seq: 1 });
  const counts = (await stored(await prepare(sequenced))) as { files: number };
  assert.equal(counts.files, 1);
  assert.match(
    alerts.get('file.numbering-restarted')!,
    /began anew: number 1 is there a second time; .* until 3 is passed$/,
  );
  await received(contract.profileId, '0.7000', 1, { key: 's4', seq: 4 });
  await stored(await prepare(sequenced));
  assert.deepEqual([...alerts], []);
});

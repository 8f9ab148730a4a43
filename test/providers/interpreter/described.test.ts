import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openArchive } from '../../../src/archive/archive.ts';
import { openComputePool } from '../../../src/compute/open-pool.ts';
import type { ComputePool } from '../../../src/compute/pool.ts';
import { applyCustomers } from '../../../src/customers/apply.ts';
import { buildChain } from '../../../src/providers/interpreter/build-chain.ts';
import { knownSyncTypes } from '../../../src/providers/registry.ts';
import { loadProviders, ProviderFileError, readProvider } from '../../../src/providers/spec/load.ts';
import { openTransport } from '../../../src/providers/transports/open-transport.ts';
import { loadTariff } from '../../../src/totals/tariff-store.ts';
import { type Harness, harness, isState } from '../../chains/harness.ts';

const root = join(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/providers.md'), 'utf8');
const block = (language: string) => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)![1]!;
const example = (name: string) =>
  JSON.parse(/```json\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs', name), 'utf8'))![1]!);

let h: Harness;
let pool: ComputePool;
let directory: string;
before(async () => {
  h = await harness();
  directory = mkdtempSync(join(tmpdir(), 'described-'));
  pool = await openComputePool({ threads: 1 });
});
after(async () => {
  await pool.close();
  await h.close();
  rmSync(directory, { recursive: true });
});

test("no provider's name stands anywhere in the interpreter", () => {
  const words = knownSyncTypes.flatMap(({ syncType, chain }) => [syncType, chain, syncType.replaceAll('_', '')]);
  const names = new RegExp([...words, 'kpn', 'sp16', 'calvi', 'vodafone', 't-?mobile'].join('|'), 'i');
  const folder = join(root, 'src/providers/interpreter');
  for (const file of readdirSync(folder)) {
    assert.doesNotMatch(readFileSync(join(folder, file), 'utf8'), names, file);
  }
});

test('the provider of docs/providers.md goes from a file to totals, and was never heard of', async () => {
  const [described, drop] = [join(directory, 'providers'), join(directory, 'drop')];
  for (const made of [described, drop, join(directory, 'archive')]) mkdirSync(made);
  writeFileSync(join(described, 'noordbel.json'), block('json'));
  writeFileSync(join(drop, 'usage_0000000101_20260310.csv'), block('csv'));
  const [{ adapter }] = loadProviders(described) as [ReturnType<typeof readProvider>];
  await h.database.transaction(async (tx) => {
    const tariff = example('tariff.md');
    await loadTariff(tx, tariff);
    const profile = { name: 'csv', syncType: 'NOORDBEL', transport: { kind: 'directory', dir: drop } };
    const contract = { provider: 'NOORDBEL', account: '101', tariff: tariff.tariff, profiles: [profile] };
    await applyCustomers(tx, { customers: [{ code: 'C1', name: 'One', contracts: [contract] }] });
  });
  const [profile] = await h.database.query<{ id: string; contract_id: string }>(
    'select id, contract_id from sync_profile',
  );
  const [task] = await h.database.query<{ id: string }>(
    `insert into sync_task (profile_id, requested_by, cycle_start) values ($1, 'test', '2026-03-01') returning id`,
    [profile!.id],
  );
  const definition = buildChain(adapter, {
    archive: await openArchive(join(directory, 'archive'), {
      expectedId: null,
      randomId: () => crypto.randomUUID(),
      nowMs: Date.now,
    }),
    compute: pool,
    alerts: { raise: (alert) => void h.alerts.push(alert), resolve() {}, flush: async () => {} },
    openTransport: (description, signal) => openTransport(description, () => '', signal),
    openRest: () => assert.fail('it is no API'),
    acquireSession: async () => ({
      kind: 'granted',
      session: {
        permit: async () => ({ kind: 'granted' }),
        pauseAll: async () => {},
        token: null,
        keepToken() {},
        release() {},
      },
    }),
  });
  const engine = h.engine([definition]);
  const { chainId } = await h.enqueueWith([definition])(h.database, definition, {
    syncTaskId: task!.id,
    profileId: profile!.id,
    contractId: profile!.contract_id,
    force: false,
  });
  const row = await h.chainUntil(chainId, isState('succeeded', 'dead', 'failed'), 30_000);
  assert.equal(row.state, 'succeeded', String(row.reason));
  const totals = await h.database.query(
    `select u.category, u.records::int, u.usage_s::int, u.provider_amount_e8::float8 as charged
     from total_usage u join total_generation g using (contract_id, cycle_start, generation)
     where g.state = 'current' order by u.category`,
  );
  assert.deepEqual(totals, [
    { category: 'national-mobile', records: 1, usage_s: 61, charged: 12_500_000 },
    { category: 'sms', records: 1, usage_s: 0, charged: 5_000_000 },
  ]);
  const files = await h.database.query('select name, state from raw_file');
  assert.deepEqual(files, [{ name: 'usage_0000000101_20260310.csv', state: 'imported' }]);
  await engine.stop(1_000);
});

test('a wrong description is refused with file, key, value and the way out', () => {
  const file = join(directory, 'wrong.json');
  const problemsOf = (change: (document: Record<string, never>) => void): string => {
    const document = JSON.parse(block('json'));
    change(document);
    writeFileSync(file, JSON.stringify(document));
    try {
      readProvider(file);
    } catch (error) {
      assert.ok(error instanceof ProviderFileError);
      return error.problems.join('\n');
    }
    return assert.fail('it was accepted');
  };
  // biome-ignore lint/suspicious/noExplicitAny: the document as it is written, made wrong
  const wrong: [(document: any) => void, RegExp][] = [
    [
      (d) => {
        d.chain.name = 'other';
      },
      /wrong\.json: chain\.name: "other" must be noordbel/,
    ],
    [
      (d) => {
        d.chain.steps.pop();
      },
      /wrong\.json: chain\.steps: .* must do fetch, import, rate, totals/,
    ],
    [
      (d) => {
        d.discover.transports = ['ftp'];
      },
      /wrong\.json: discover\.transports\[0\]: "ftp"/,
    ],
    [
      (d) => {
        d.layout.files.logicalKey = ['month'];
      },
      /"month" is no named group .* it has account, day/,
    ],
    [
      (d) => {
        d.limit = {};
      },
      /limit: .* the nearest known is "limits"/,
    ],
  ];
  for (const [change, message] of wrong) assert.match(problemsOf(change), message);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { openArchive } from '../../src/archive/archive.ts';
import { type ComputePoolOptions, openComputePool } from '../../src/compute/open-pool.ts';
import type { ComputePool } from '../../src/compute/pool.ts';
import { applyCustomers } from '../../src/customers/apply.ts';
import { createLog } from '../../src/log/log.ts';
import type { PreviewLine, PreviewQuery, PreviewRow } from '../../src/preview/views.ts';
import { buildChain } from '../../src/providers/interpreter/build-chain.ts';
import { readProvider } from '../../src/providers/spec/load.ts';
import { openTransport } from '../../src/providers/transports/open-transport.ts';
import { previewServices } from '../../src/services/preview-services.ts';
import { loadTariff } from '../../src/totals/tariff-store.ts';
import { type Harness, harness, isState, until } from '../chains/harness.ts';
import { header, layout, provider, tariff, usageRows } from './usage-world.ts';

const rows = usageRows(5, 3_000);
const wrong = `90001${rows[2_000]!.slice(rows[2_000]!.indexOf(';')).replace(/;\d+;(0\.)/, ';x;$1')}`;
const content = `${header}${rows.join('')}${wrong}`;

let h: Harness;
let pool: ComputePool;
/** All previews take this one for theirs: to start threads takes longer than a small file. */
let own: ComputePool;
const opened: { readonly threads: number; closed: boolean }[] = [];
let directory: string;
let file: string;
let services: ReturnType<typeof previewServices>;

before(async () => {
  h = await harness();
  directory = mkdtempSync(join(tmpdir(), 'lk-preview-'));
  for (const made of ['drop', 'archive', 'spool']) mkdirSync(join(directory, made));
  file = join(directory, 'drop', 'usage_0000000101_202603.csv');
  writeFileSync(file, content);
  writeFileSync(join(directory, 'plaintel.json'), JSON.stringify(provider));
  pool = openComputePool({ threads: 3 });
  own = openComputePool({ threads: 2 });
  services = previewServices(means());
  await h.database.transaction(async (tx) => {
    await loadTariff(tx, tariff);
    const [old] = tariff.versions;
    await loadTariff(tx, { ...tariff, tariff: 'plain-old', versions: [{ ...old, validTo: null }] });
    const profile = {
      name: 'csv',
      syncType: 'PLAINTEL',
      transport: { kind: 'directory', dir: join(directory, 'drop') },
    };
    const contract = { provider: 'PLAINTEL', account: '101', tariff: tariff.tariff, profiles: [profile] };
    const other = { ...contract, account: '102', profiles: [], allowances: [allowance] };
    await applyCustomers(tx, { customers: [{ code: 'C1', name: 'One', contracts: [contract, other] }] });
  });
});
after(async () => {
  await Promise.all([pool.close(), own.close()]);
  await h.close();
  rmSync(directory, { recursive: true });
});

const means = () => ({
  database: h.database,
  compute: pool,
  spoolDirectory: join(directory, 'spool'),
  taskMemoryMb: 512,
  log: createLog({ level: 'silent' }),
  providers: [{ adapter: adapter(), file: 'plaintel.json' }],
  openPool: ({ threads }: ComputePoolOptions) => {
    const mine = { threads, closed: false };
    opened.push(mine);
    const close = async () => {
      mine.closed = true;
    };
    return { ...own, close };
  },
});
const allowance = {
  name: 'bundle',
  kind: 'voice',
  amount: 6000,
  unit: 's',
  scope: { categories: ['national-mobile'] },
  shared: true,
};
const adapter = () => readProvider(join(directory, 'plaintel.json')).adapter;

async function previewed(query: Partial<PreviewQuery> = {}, from = services) {
  const asked = { file, tariff: tariff.tariff, numberMask: 4, numbers: true, ...query };
  const { body } = await from.preview(query.provider === undefined ? { layout, ...asked } : asked);
  const lines = (await text(body))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as PreviewLine);
  const found = lines.flatMap((line) => ('row' in line ? [line.row] : []));
  const last = lines.at(-1)!;
  if (!('end' in last)) throw new Error(JSON.stringify(last));
  return { rows: found, end: last.end };
}

/** By subscriber and category, as totals have them. */
function byCategory(found: readonly PreviewRow[]): string[] {
  return found
    .map(({ subscriber, category, records, unrated, usage, amountE8, providerAmountE8 }) =>
      [subscriber, category, records, unrated, usage, amountE8, providerAmountE8].join(' '),
    )
    .sort();
}

async function imported(): Promise<string[]> {
  const definition = buildChain(adapter(), {
    archive: await openArchive(join(directory, 'archive'), {
      expectedId: null,
      randomId: () => crypto.randomUUID(),
      nowMs: Date.now,
    }),
    compute: pool,
    alerts: { raise() {}, resolve() {}, flush: async () => {} },
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
  const [profile] = await h.database.query<{ id: string; contract_id: string }>(
    'select id, contract_id from sync_profile',
  );
  const [task] = await h.database.query<{ id: string }>(
    `insert into sync_task (profile_id, requested_by, cycle_start) values ($1, 'test', '2026-03-01') returning id`,
    [profile!.id],
  );
  const input = { syncTaskId: task!.id, profileId: profile!.id, contractId: profile!.contract_id, force: false };
  const { chainId } = await h.enqueueWith([definition])(h.database, definition, input);
  const row = await h.chainUntil(chainId, isState('succeeded', 'dead', 'failed'), 30_000);
  assert.equal(row.state, 'succeeded', String(row.reason));
  const totals = await h.database.query<Record<string, string>>(
    `select u.msisdn, u.category, u.records, u.unrated, case u.category when 'sms' then u.usage_count when 'data-national' then u.usage_octets else u.usage_s end as usage, u.amount_e8, u.provider_amount_e8
     from total_usage u join total_generation g using (contract_id, cycle_start, generation) where g.state = 'current'`,
  );
  await engine.stop(1_000);
  return totals.map((total) => Object.values(total).join(' ')).sort();
}

test('the layout of a provider, and keys on disk, give the same', async () => {
  const whole = await previewed();
  assert.deepEqual(await previewed({ provider: 'PLAINTEL' }), whole);
  const small = previewServices({ ...means(), taskMemoryMb: 0.01 });
  const { rows: found, end } = await previewed({}, small);
  assert.deepEqual(found, whole.rows);
  assert.deepEqual([end.keysOnDisk, whole.end.keysOnDisk], [true, false]);
  assert.deepEqual(readdirSync(join(directory, 'spool')), []);
});

test('a version that is named rates all records, and numbers are shown only to those who ask', async () => {
  const old = await previewed({ version: '2025-01-01', numbers: false });
  const same = await previewed({ tariff: 'plain-old', numbers: false });
  assert.deepEqual(old.rows, same.rows);
  assert.equal(old.end.version, '2025-01-01T00:00:00');
  assert.notEqual(old.end.amountE8, (await previewed()).end.amountE8);
  assert.ok(old.rows.every(({ subscriber }) => subscriber === '3161000****'));
});

test('what is wrong with the request is told before anything is read', async () => {
  const wrong: [Partial<PreviewQuery>, RegExp][] = [
    [{ tariff: 'plain' }, /no tariff has the code plain; known: plain-business, plain-old/],
    [{ version: '2026-01-01' }, /no one version of 2026-01-01; its versions are of 2025-01-01T00:00:00, 2026-03-15/],
    [{ file: join(directory, 'nothing.csv') }, /nothing\.csv cannot be read by the service \(ENOENT\)/],
    [{ file: directory }, /is no file/],
    [
      { layout: { ...layout, columns: { ...layout.columns, usage: 'Seconden' } } },
      /has no column "Seconden"; its header is "Id;Nummer;/,
    ],
    [{ layout: { ...layout, kinds: {}, columns: { key: 'Id' } } }, /columns\.subscriber: \(missing\) must be the name/],
    [{ provider: 'PLAINTELL' }, /no provider has the sync type PLAINTELL; known: PLAINTEL/],
  ];
  for (const [query, message] of wrong) await assert.rejects(previewed(query), message);
  assert.deepEqual(readdirSync(join(directory, 'spool')), []);
});

function largeFile(): string {
  const large = join(directory, 'large.csv');
  writeFileSync(large, header);
  for (let block = 0; block < 150; block += 1) appendFileSync(large, rows.join(''));
  return large;
}

test('a file that changes while it is read, and one that is no CSV, are told so', async () => {
  const large = largeFile();
  const { body } = await services.preview({
    file: large,
    layout,
    tariff: tariff.tariff,
    numberMask: 4,
    numbers: false,
  });
  truncateSync(large, 1_000_000);
  assert.match(
    await text(body),
    /"error":\{"code":"invalid-input","message":".*large\.csv changed while it was read; ask/,
  );
  writeFileSync(large, `${header}${'x'.repeat(100_000)}`);
  await assert.rejects(previewed({ file: large }), /large\.csv: the line at byte 52 does not end within 65536 bytes/);
});

/** Pools of previews, their tasks, and what they keep on disk. */
async function unfinished(): Promise<number> {
  const open = opened.filter(({ closed }) => !closed).length;
  return open + own.status().running + readdirSync(join(directory, 'spool')).length;
}

test('a reader who goes away stops every thread, and one preview runs at a time', async () => {
  const large = largeFile();
  const { completed } = own.status();
  const query = { file: large, layout, tariff: tariff.tariff, numberMask: 4, numbers: false };
  const { body } = await services.preview(query);
  await once(body, 'data');
  await assert.rejects(services.preview(query), /a preview of .*large\.csv is under way/);
  body.destroy();
  await until(unfinished, (count) => count === 0);
  assert.deepEqual([opened.at(-1)!.threads, own.status().completed], [2, completed]);
  await until(
    async () =>
      previewed().then(
        ({ end }) => end.records,
        () => 0,
      ),
    (records) => records > 0,
  );
});

test('a task of a chain is done by the only compute thread while a preview is in the midst of its pass', async () => {
  const only = openComputePool({ threads: 1 });
  const task = () => only.run({ task: 'kernel-in-order', pairs: [] }, { signal: new AbortController().signal });
  try {
    // starting the thread takes longer than the pass
    await task();
    const query = { file: largeFile(), layout, tariff: tariff.tariff, numberMask: 4, numbers: false };
    const pools: ComputePool[] = [];
    const openPool = (options: ComputePoolOptions) => {
      const made = openComputePool(options);
      pools.push(made);
      return made;
    };
    const { body } = await previewServices({ ...means(), compute: only, openPool }).preview(query);
    await once(body, 'data');
    await task();
    const status = { threads: 1, queued: 0, running: 1, completed: 0, died: 0 };
    assert.deepEqual(
      pools.map((each) => each.status()),
      [status],
    );
    body.destroy();
    await until(
      async () => pools[0]!.status(),
      ({ threads, running }) => threads + running === 0,
    );
    await until(unfinished, (count) => count === 0);
  } finally {
    await only.close();
  }
});

test('a preview has the totals of importing, rating and totalling the same file', async () => {
  const { rows: found, end } = await previewed();
  assert.deepEqual(byCategory(found), await imported());
  assert.ok(end.duplicates > 20 && end.records > 2_900 && end.unrated > 100);
  assert.deepEqual(
    end.unratedReasons.map(({ word, reason }) => [word, reason]),
    [
      ['vast', 'no-rule'],
      ['ver', 'no-rule'],
    ],
  );
  const conflicts = end.faults.filter(({ code }) => code === 'conflicting-duplicate').length;
  assert.deepEqual([end.faultCount, conflicts > 5], [conflicts + 1, true]);
  assert.deepEqual(end.faults.at(-1), {
    offset: Buffer.byteLength(header + rows.join('')),
    code: 'bad-value',
    field: 'usage',
  });
  assert.match(end.notes[0]!, /allowances are not applied: 1 of 2 contracts/);
  assert.deepEqual(readdirSync(join(directory, 'spool')), []);
});

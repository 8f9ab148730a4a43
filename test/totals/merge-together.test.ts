/**
 * Files that are merged at once leave the same records as files that are merged one by one: random files, which speak of the
 * same few records over and over, correct and cancel each other, are delivered again and reach into a closed cycle.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import { ensureCycles } from '../../src/totals/cycles.ts';
import { mergeRecords } from '../../src/totals/merge-records.ts';
import { type FileToMerge, stagesOf } from '../../src/totals/merge-stage.ts';
import { makeContract } from '../support/contract.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { type Line, spoolFile } from './spool-lines.ts';

/** Closed with a price for each record, as its totals would have been published. */
const close = `
  with published as (
    insert into total_generation (contract_id, customer_id, cycle_start, generation, rating_run_id, state, digest, reason)
    select id, customer_id, '2026-03-01', 1, id, 'current', '', 'a test' from contract where id = $1
  ), rated as (
    insert into rated_cdr (contract_id, cycle_start, rating_run_id, cdr_id, billed_usage, amount_e8, status)
    select contract_id, cycle_start, contract_id, id, usage_s, usage_s * 100, 'rated'
    from cdr where contract_id = $1 and cycle_start = '2026-03-01'
  )
  update cycle set state = 'closed' where contract_id = $1 and cycle_start = '2026-03-01'`;

interface Delivery {
  readonly seq: number;
  readonly version: number;
  readonly lines: readonly Line[];
}

let server: TestDatabase;
let database: Database;
let directory: string;

before(async () => {
  server = await testDatabase();
  database = openDatabase(server.url, { applicationName: 'test' });
  directory = await mkdtemp(join(tmpdir(), 'together-'));
});
after(async () => {
  await database.close();
  await server.close();
  await rm(directory, { recursive: true });
});

for (const seed of [1, 2, 3, 4]) {
  test(`files merged at once leave what files merged one by one leave, seed ${seed}`, async () => {
    const random = randomOf(seed);
    const [before, after] = [drawDeliveries(random, 2, 0), drawDeliveries(random, 7, 2)];
    const each = await delivered(`E${seed}`, before, after, (files) => files.map((file) => [file]));
    const all = await delivered(`A${seed}`, before, after, (files) => [files]);
    assert.ok(each.records.length > 10);
    assert.deepEqual(all, each);
  });
}

test('a re-delivery is staged alone, and a stage ends when it is large', () => {
  const file = (rows: number, version = 1) => ({
    ...{ rawFileId: '1', logicalKey: 'k', fileCycle: '2026-04-01', spoolPath: '/' },
    ...{ rows, version },
  });
  const sizes = (files: Parameters<typeof stagesOf>[0]) =>
    stagesOf(files).map((stage) => stage.map(({ rows }) => rows));
  assert.deepEqual(sizes([]), []);
  assert.deepEqual(sizes([file(1), file(2), file(3, 2), file(4), file(5)]), [[1, 2], [3], [4, 5]]);
  assert.deepEqual(sizes([file(60_000), file(40_000), file(1), file(0)]), [
    [60_000, 40_000],
    [1, 0],
  ]);
  assert.deepEqual(sizes([file(5_000_000), file(1)]), [[5_000_000], [1]]);
});

/** `before` comes before 2026-03 is closed; `after` in one transaction, as `grouped`. */
async function delivered(
  code: string,
  before: readonly Delivery[],
  after: readonly Delivery[],
  grouped: <F>(files: readonly F[]) => readonly (readonly F[])[],
) {
  const contract = await makeContract(database, code);
  const { contractId } = contract;
  const touched = new Set<string>();
  const merge = async (deliveries: readonly Delivery[], groups: typeof grouped) => {
    const files: FileToMerge[] = [];
    for (const delivery of deliveries) files.push(await spoolFile(database, directory, contract, delivery));
    await database.transaction(async (tx) => {
      const cycles = { id: contractId, cycleDay: 1, timeZone: 'Europe/Amsterdam' };
      await ensureCycles(tx, cycles, ['2026-03-01', '2026-04-01']);
      for (const group of groups(files)) {
        for (const cycle of await mergeRecords(tx, contractId, group)) touched.add(cycle);
      }
    });
  };
  await merge(before, (files) => files.map((file) => [file]));
  await database.query(close, [contractId]);
  await merge(after, grouped);
  const records = await database.query(
    `select encode(e.record_key, 'escape') as key, to_char(e.cycle_start, 'YYYY-MM') as cycle, e.version, e.state, e.correction,
       e.content_hash, e.provider_version, e.late, e.adjusts_cycle::text, e.usage_s, f.name as file, f.version as delivery, e.line_no
     from cdr e join raw_file f on f.id = e.raw_file_id where e.contract_id = $1 order by key, e.version, cycle`,
    [contractId],
  );
  return { touched: [...touched].sort(), records };
}

function drawDeliveries(random: (below: number) => number, count: number, from: number): Delivery[] {
  const versions = new Map<number, number>();
  return Array.from({ length: count }, (_, index) => {
    const known = [...versions.keys()];
    const again = index > 0 && random(4) === 0;
    const seq = again ? known[random(known.length)]! : from + index + 1;
    const version = (versions.get(seq) ?? 0) + 1;
    versions.set(seq, version);
    return { seq, version, lines: drawLines(random) };
  });
}

/** Of each record one line at most, as a decoded file has; corrections may come several times. */
function drawLines(random: (below: number) => number): Line[] {
  const lines: Line[] = [];
  for (const id of 'abcdefgh') {
    const cycle = random(3) === 0 ? '2026-03-01' : '2026-04-01';
    const line = { content: random(3), cycle, provider: random(2) };
    if (random(2) === 0) lines.push({ ...line, id });
    if (random(5) === 0) lines.push({ ...line, id: `${id}x`, original: id, correction: random(2) === 0 ? 'C' : 'D' });
  }
  return lines;
}

function randomOf(seed: number): (below: number) => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

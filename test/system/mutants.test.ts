/**
 * Does the comparison with the simulator's truth prove the rating? The test breaks one rule at a time, as a change of text in
 * a copy of the source, and rates again what the real service imported: every mutant must miss the truth, in exactly the
 * cycles where its rule matters, and the copy that nobody changed must hit it to the last digit.
 */
import assert from 'node:assert/strict';
import { cpSync, createWriteStream, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { TotalRowView, TotalsView } from '../../src/admin/views.ts';
import { compareCycle, readTruth, type TruthCycle } from '../../src/cli/demo/truth.ts';
import type { TariffBundle } from '../../src/compute/tasks/messages.ts';
import type { rateCycle } from '../../src/compute/tasks/rate-cycle.ts';
import { openDatabase } from '../../src/database/pool.ts';
import type { Database } from '../../src/database/session.ts';
import type { Allowance } from '../../src/telecom/allowance.ts';
import { ratedSpoolColumns, ratingSpoolColumns } from '../../src/telecom/cdr-columns.ts';
import { readAllowances } from '../../src/totals/allowance-store.ts';
import { exportRecords } from '../../src/totals/export-records.ts';
import { readContractTariff } from '../../src/totals/rate-cycles.ts';
import { call, startService, until, working } from '../support/service.ts';
import { makeWorld, type World } from '../support/world.ts';

interface Mutant {
  readonly rule: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Cycles that it misses; every cycle of both accounts unless told. */
  readonly cycles?: readonly string[];
}

interface RatedCycle {
  readonly truth: TruthCycle;
  readonly contractId: string;
  readonly recordsPath: string;
  readonly timeZone: string;
  readonly tariff: TariffBundle;
  readonly allowances: readonly Allowance[];
}

const root = join(import.meta.dirname, '..', '..');
const march = '2026-03-01';
const april = '2026-04-01';
const october = '2026-10-01';
const timeline = 'src/telecom/rule-timeline.ts';

const mutants: readonly Mutant[] = [
  {
    rule: 'increment: a short first piece is billed by the next increment',
    file: 'src/telecom/increment.ts',
    from: 'if (length <= step.first) return step.first;',
    to: 'if (length <= step.next) return step.next;',
  },
  {
    rule: 'increment: a later piece is widened to the first increment',
    file: 'src/telecom/increment.ts',
    from: 'if (!isFirst) return Math.ceil(length / step.next) * step.next;',
    to: 'if (!isFirst) return Math.ceil(length / step.first) * step.first;',
  },
  {
    rule: 'step boundary: a step ends one unit late',
    file: 'src/telecom/rating.ts',
    from: 'return next === undefined ? Infinity : next.from;',
    to: 'return next === undefined ? Infinity : next.from + 1;',
  },
  {
    rule: 'connect fee: forgotten',
    file: 'src/telecom/charge.ts',
    from: 'let numerator = terms.connectFeeE8 * denominator;',
    to: 'let numerator = 0;',
  },
  {
    rule: 'allowances: what was taken is still there',
    file: 'src/telecom/allowance-book.ts',
    from: 'bucket.left -= take;',
    to: '',
  },
  {
    rule: 'allowances: a record that is partly covered costs nothing',
    file: 'src/telecom/rating.ts',
    from: 'if (covered >= billed) return endCovered',
    to: 'if (covered > 0) return endCovered',
  },
  {
    rule: 'allowances: what is covered is charged',
    file: 'src/telecom/charge.ts',
    from: 'numerator += piece.priceE8 * (piece.billed - piece.covered);',
    to: 'numerator += piece.priceE8 * piece.billed;',
  },
  {
    rule: 'midnight: a call goes on as if the day had not changed',
    file: timeline,
    from: 'untilMs = Math.min(untilMs, dayStartMs + dayMs);',
    to: '',
  },
  {
    rule: 'band over DST: the offset of the start holds for the whole call',
    file: timeline,
    from: 'const offsetMs = localTime.offsetMsAt(atMs);',
    to: 'const offsetMs = localTime.offsetMsAt(record.startMs);',
    cycles: [march, october],
  },
  {
    rule: 'version choice: the version before goes on after the change',
    file: 'src/telecom/version-list.ts',
    from: 'return utcMs >= version.fromMs && utcMs < version.toMs;',
    to: 'return utcMs >= version.fromMs;',
    cycles: [april, october],
  },
  {
    rule: 'version choice: a version begins a second late',
    file: 'src/telecom/version-list.ts',
    from: 'return utcMs >= version.fromMs && utcMs < version.toMs;',
    to: 'return utcMs >= version.fromMs + 1000 && utcMs < version.toMs + 1000;',
    cycles: [april],
  },
  {
    rule: 'rounding direction: a half goes towards zero',
    file: 'src/telecom/money.ts',
    from: "mode === 'up' ? hasRemainder : overHalf >= 0",
    to: "mode === 'up' ? hasRemainder : overHalf > 0",
  },
  {
    rule: 'rounding direction: up goes to the nearest',
    file: 'src/telecom/money.ts',
    from: "mode === 'up' ? hasRemainder : overHalf >= 0",
    to: "mode === 'up' ? overHalf >= 0 : overHalf >= 0",
  },
  {
    rule: 'prefix length: the shortest prefix wins',
    file: 'src/telecom/prefix-trie.ts',
    from: 'numbers[node] === -1 ? best[parents[node]!]! : numbers[node]!;',
    to: 'numbers[node] === -1 || best[parents[node]!]! !== 0 ? best[parents[node]!]! : numbers[node]!;',
  },
];

let world: World;
let database: Database;
let cycles: RatedCycle[];
const scratch = mkdtempSync(join(tmpdir(), 'mutants-'));

before(async () => {
  world = await makeWorld(['--records', '4000', '--subs', '20', '--customers', '2']);
  const databaseUrl = await world.database();
  database = openDatabase(databaseUrl, { applicationName: 'test', max: 2 });
  await syncAll(databaseUrl);
  cycles = await Promise.all(readTruth(world.truthPath).map(exportCycle));
});

after(async () => {
  await database?.close();
  await world?.close();
  rmSync(scratch, { recursive: true, force: true });
});

test('the world has both accounts and all three months', () => {
  const found = cycles.map(({ truth }) => `${truth.customer} ${truth.cycleStart}`);
  assert.deepEqual(found, [march, april, october].flatMap((cycle) => [`C001 ${cycle}`, `C002 ${cycle}`]).sort());
});

test('a copy that nobody changed hits the truth to the last digit', async () => {
  assert.deepEqual(await missedBy(copyOfSource('unchanged')), []);
});

for (const [index, mutant] of mutants.entries()) {
  test(`a mutant misses the truth: ${mutant.rule}`, async () => {
    const copy = copyOfSource(`mutant-${index}`);
    mutate(join(copy, mutant.file), mutant);
    const expected = (mutant.cycles ?? [march, april, october]).flatMap((cycle) => [`C001 ${cycle}`, `C002 ${cycle}`]);
    assert.deepEqual(await missedBy(copy), expected.sort());
  });
}

/** A mutation whose text is gone, or stands twice, would prove nothing. */
function mutate(path: string, { file, from, to }: Mutant): void {
  const source = readFileSync(path, 'utf8');
  assert.equal(source.split(from).length - 1, 1, `${file} must have this text exactly once: ${from}`);
  writeFileSync(path, source.replace(from, to));
}

function copyOfSource(name: string): string {
  const copy = join(scratch, name);
  for (const part of ['src', 'supervisors', 'otel', 'package.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** The cycles, of which customer, whose totals by that copy of the rating are not the truth. */
async function missedBy(copy: string): Promise<string[]> {
  const task = pathToFileURL(join(copy, 'src/compute/tasks/rate-cycle.ts')).href;
  const copied = (await import(task)) as { rateCycle: typeof rateCycle };
  assert.notEqual(copied.rateCycle, (await import('../../src/compute/tasks/rate-cycle.ts')).rateCycle);
  const missed: string[] = [];
  for (const { truth, contractId, recordsPath, timeZone, tariff, allowances } of cycles) {
    const ratedPath = join(copy, 'rated.copy');
    const { cycleStart } = truth;
    const args = { recordsPath, ratedPath, contractId, cycleStart, ratingRunId: '1', timeZone, tariff, allowances };
    const result = await copied.rateCycle({ task: 'rate-cycle', ...args }, { throwIfAborted() {}, progress() {} });
    // wrong amounts, not missing records: what was imported is the same for all
    assert.equal(String(result.records), truth.records);
    const { differences } = compareCycle(truth, totalsOf(truth, recordsPath, ratedPath));
    if (differences.length > 0) missed.push(`${truth.customer} ${cycleStart}`);
  }
  return missed.sort();
}

/** What `publish` does in SQL: sums of rated records by subscription and category. */
function totalsOf(truth: TruthCycle, recordsPath: string, ratedPath: string): TotalsView {
  const rated = rowsOf(ratedPath, ratedSpoolColumns);
  const totals = new Map<string, TotalRowView>();
  for (const [index, record] of rowsOf(recordsPath, ratingSpoolColumns).entries()) {
    const { cdr_id, status, amount_e8 } = rated[index]!;
    assert.equal(cdr_id, record.id);
    const { msisdn, category } = record;
    const key = `${msisdn} ${category}`;
    const sum = totals.get(key);
    const plus = (before: string | undefined, value: string) => String(BigInt(before ?? 0) + BigInt(value));
    totals.set(key, {
      msisdn,
      category,
      records: plus(sum?.records, '1'),
      unrated: plus(sum?.unrated, status === 'unrated' ? '1' : '0'),
      usageS: plus(sum?.usageS, record.usage_s),
      usageOctets: plus(sum?.usageOctets, record.usage_octets),
      usageCount: plus(sum?.usageCount, record.usage_count),
      amountE8: plus(sum?.amountE8, amount_e8),
      providerAmountE8: plus(sum?.providerAmountE8, record.provider_amount_e8),
    });
  }
  return { ...truth, rows: [...totals.values()] } as unknown as TotalsView;
}

function rowsOf<C extends string>(path: string, columns: readonly C[]): Record<C, string>[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const values = line.split('\t');
    return Object.fromEntries(columns.map((column, index) => [column, values[index]])) as Record<C, string>;
  });
}

async function syncAll(databaseUrl: string): Promise<void> {
  const service = startService({ databaseUrl, stateDirectory: join(mkdtempSync(join(scratch, 'state-'))) });
  try {
    await working(service);
    for (const customer of ['C001', 'C002']) await call(service.socket, 'POST', '/sync/run', { customer });
    await until('both syncs to end', async () => {
      const tasks = await database.query<{ status: string }>('select status from sync_task');
      return tasks.length === 2 && tasks.every((task) => task.status === 'succeeded');
    });
  } finally {
    await service.stop();
  }
}

/** The same export as the rate step's. */
async function exportCycle(truth: TruthCycle): Promise<RatedCycle> {
  const [contract] = await database.query<{ id: string }>('select id from contract where account_no = $1', [
    truth.account,
  ]);
  const contractId = contract!.id;
  const recordsPath = join(scratch, `${truth.account}-${truth.cycleStart}.copy`);
  return database.read(async (session) => {
    await session.copyOut(exportRecords(contractId, truth.cycleStart), createWriteStream(recordsPath));
    const { tariff, timeZone } = await readContractTariff(session, contractId);
    return {
      truth,
      contractId,
      recordsPath,
      timeZone,
      tariff: tariff.bundle,
      allowances: await readAllowances(session, contractId),
    };
  });
}

/**
 * `npm run bench -- sp16 [--mb 200] [--threads 2] [--rounds 5] [--by-hand]`: decode + dedup + rate + totals of SP16X in the compute pool,
 * as one fused pass over files that together have that size. Reported: the first run of a fresh pool (threads started, nothing
 * compiled), and warm runs on one and on all threads. Every run must give the same totals, else the bench fails. Beside it the
 * decoder that the layout makes is measured against one by hand; `--by-hand` does only that.
 */
import { createHash } from 'node:crypto';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { openThreadPool, type ThreadPool } from '../../src/compute/open-pool.ts';
import { createUsageTotals } from '../../src/telecom/totals.ts';
import { type BenchFile, benchFile } from './generate.ts';
import { sideBySide } from './side-by-side.ts';
import type { FusedArgs, FusedResult } from './worker.ts';

interface Run {
  readonly ms: number;
  readonly cpuMs: number;
  readonly records: number;
  readonly digest: string;
}
interface Measured {
  readonly bench: 'sp16';
  readonly run: 'first' | 'warm';
  readonly threads: number;
  readonly megabytes: number;
  readonly records: number;
  readonly rounds: number;
  readonly mbPerS: { readonly median: number; readonly min: number; readonly max: number };
  readonly recordsPerS: number;
  /** Median per second of processor time: what a busy machine leaves comparable. */
  readonly mbPerCpuS: number;
}

const never = new AbortController().signal;

export async function benchSp16(args: readonly string[]): Promise<void> {
  const { mb, threads, rounds, onlyByHand } = options(args);
  compareWithHand(onlyByHand ? rounds : Math.max(rounds, 15));
  if (onlyByHand) return;
  console.error(`making ${mb} MB of SP16X under .linekeeper/bench, once`);
  const files = Array.from({ length: threads }, (_, index) =>
    benchFile('.linekeeper/bench', Math.round(mb / threads), index + 1),
  );
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);

  const first: Run[] = [];
  for (let round = 0; round < rounds; round += 1) {
    first.push(await withPool(threads, (pool) => onePass(pool, files)));
  }
  const warm = (count: number) =>
    withPool(count, async (pool) => {
      const runs: Run[] = [];
      for (let round = 0; round < rounds + 2; round += 1) runs.push(await onePass(pool, files));
      return runs.slice(2);
    });
  const warmOne = await warm(1);
  const warmAll = threads > 1 ? await warm(threads) : [];

  const digests = new Set([...first, ...warmOne, ...warmAll].map((run) => run.digest));
  if (digests.size !== 1) throw new Error(`the runs disagree on the totals: ${[...digests].join(', ')}`);
  const results = [measured('first', threads, bytes, first), measured('warm', 1, bytes, warmOne)];
  if (warmAll.length > 0) results.push(measured('warm', threads, bytes, warmAll));
  report(results);
}

function compareWithHand(rounds: number): void {
  const result = sideBySide(benchFile('.linekeeper/bench', 20, 1), rounds);
  console.log(JSON.stringify({ bench: 'sp16', run: 'side-by-side', ...result }));
  const { least, median } = result;
  const shown = (name: keyof typeof least) => `${least[name]} (median ${median[name]})`;
  console.log(
    `decoding, ns a record: layout ${shown('layout')}, by fields ${shown('byFields')}, by hand ${shown('byHand')}`,
  );
}

function options(args: readonly string[]): { mb: number; threads: number; rounds: number; onlyByHand: boolean } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      mb: { type: 'string', default: '200' },
      threads: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '5' },
      'by-hand': { type: 'boolean', default: false },
    },
  });
  const whole = (name: 'mb' | 'threads' | 'rounds') => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`--${name} must be a positive integer, not ${values[name]}`);
    return value;
  };
  return { mb: whole('mb'), threads: whole('threads'), rounds: whole('rounds'), onlyByHand: values['by-hand'] };
}

async function withPool<T>(threads: number, work: (pool: ThreadPool<FusedArgs>) => Promise<T>): Promise<T> {
  const pool = openThreadPool<FusedArgs>({ worker: new URL('./worker.ts', import.meta.url), threads });
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

async function onePass(pool: ThreadPool<FusedArgs>, files: readonly BenchFile[]): Promise<Run> {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const finished = await Promise.all(files.map((file) => pool.run({ task: 'fused', ...file }, { signal: never })));
  const totals = createUsageTotals();
  let records = 0;
  for (const { result } of finished as { result: FusedResult }[]) {
    totals.merge(result.totals);
    records += result.records;
  }
  const rows = totals.rows();
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  const text = rows.map((row) => Object.values(row).join('\t')).join('\n');
  return { ms, cpuMs: (user + system) / 1000, records, digest: createHash('sha256').update(text).digest('hex') };
}

function measured(run: 'first' | 'warm', threads: number, bytes: number, runs: readonly Run[]): Measured {
  const sorted = runs.map(({ ms }) => bytes / 1000 / ms).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  const cpuMs = runs.map((each) => each.cpuMs).sort((a, b) => a - b)[Math.floor(runs.length / 2)]!;
  const { records } = runs[0]!;
  return {
    bench: 'sp16',
    run,
    threads,
    megabytes: Math.round(bytes / 1e6),
    records,
    rounds: runs.length,
    mbPerS: { median: Math.round(median), min: Math.round(sorted[0]!), max: Math.round(sorted.at(-1)!) },
    recordsPerS: Math.round((records * median * 1e6) / bytes),
    mbPerCpuS: Math.round(bytes / 1000 / cpuMs),
  };
}

function report(results: readonly Measured[]): void {
  const machine = {
    cpu: cpus()[0]?.model.trim(),
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.version,
  };
  for (const result of results) console.log(JSON.stringify({ ...result, machine }));
  const table = new Table({
    head: ['run', 'threads', 'MB', 'records', 'MB/s median', 'min', 'max', 'records/s', 'MB/cpu s'],
    style: { head: [], border: [] },
  });
  for (const { run, threads, megabytes, records, mbPerS, recordsPerS, mbPerCpuS } of results) {
    table.push([run, threads, megabytes, records, mbPerS.median, mbPerS.min, mbPerS.max, recordsPerS, mbPerCpuS]);
  }
  console.log(table.toString());
}

/**
 * `npm run bench -- cdr [--records 2000000] [--rounds 5] [--peers all|duckdb|none] [--work flat,rules]`: one CSV decoded,
 * deduplicated, rated and totalled by our kernel beside DuckDB, csv-parse and papaparse, each in a process of its own. Every
 * round runs the contenders one after the other, so that a busy moment hits all of them. The totals of every pass are compared;
 * one that differs ends the bench. `--big` makes a file of 4 GiB and looks at our memory alone, `--job` runs the service from file to
 * committed totals beside a bare COPY.
 */
import { parseArgs } from 'node:util';
import { busyShare } from '../chains/machine.ts';
import { installPeers } from '../peer-packages.ts';
import { benchBig } from './big.ts';
import type { ContenderName, Work } from './contender.ts';
import type { Pass } from './contender-process.ts';
import { type CdrFile, cdrFile } from './generate.ts';
import { benchJob } from './job.ts';
import { type MeasuredProcess, startContender } from './measured-process.ts';
import { report } from './report.ts';

export interface Who {
  readonly contender: ContenderName;
  readonly work: Work;
  readonly threads: number;
}

export interface Measured extends Who {
  /** A fresh process for each, opening included. */
  readonly first: readonly Pass[];
  readonly warm: readonly Pass[];
}

const directory = '.linekeeper/bench';
/** How long a contender's process makes passes before its warm ones count: as long for each, whatever a pass takes it. */
const warmUpMs = 5_000;

export async function benchCdr(args: readonly string[]): Promise<void> {
  const options = optionsOf(args);
  if (options.big) return benchBig(directory, options.records);
  if (options.job) return benchJob(options.records);
  if (options.peers !== 'none') installPeers();
  console.error(`making ${options.records} records under ${directory}, once`);
  const file = cdrFile(directory, options.records, 1);
  const busy = await busyShare();
  const results: Measured[] = [];
  for (const work of options.work) {
    const who = contenders(work, options.peers);
    const first = await firstPasses(file, who, Math.min(3, options.rounds));
    const warm = await warmPasses(file, who, options.rounds);
    for (const [index, each] of who.entries()) results.push({ ...each, first: first[index]!, warm: warm[index]! });
    checkTotals(results.filter((each) => each.work === work));
  }
  report({ results, file, busy });
}

function contenders(work: Work, peers: 'all' | 'duckdb' | 'none'): Who[] {
  const both = (contender: ContenderName): Who[] => [
    { contender, work, threads: 2 },
    { contender, work, threads: 1 },
  ];
  const plain: Who[] = [
    { contender: 'csv-parse', work, threads: 1 },
    { contender: 'papaparse', work, threads: 1 },
  ];
  // the two CSV packages leave rating to a Map: they are measured at the flat tariff
  const others = work === 'flat' && peers === 'all' ? plain : [];
  return [...both('linekeeper'), ...(peers === 'none' ? [] : both('duckdb')), ...others];
}

async function firstPasses(file: CdrFile, who: readonly Who[], rounds: number): Promise<Pass[][]> {
  const passes: Pass[][] = who.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, each] of who.entries()) {
      // a warm-up is all that the slow ones would add
      if (isPlain(each) && round > 0) continue;
      const process = await startContender(each.contender, { ...each, path: file.path });
      passes[index]!.push(await process.pass());
      await process.end();
    }
  }
  return passes;
}

async function warmPasses(file: CdrFile, who: readonly Who[], rounds: number): Promise<Pass[][]> {
  const passes: Pass[][] = who.map(() => []);
  const processes: MeasuredProcess[] = [];
  for (const each of who) {
    const process = await startContender(each.contender, { ...each, path: file.path });
    processes.push(process);
    const beganMs = performance.now();
    do await process.pass();
    while (performance.now() - beganMs < warmUpMs);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, process] of processes.entries()) {
      // the slow ones add little by more
      if (isPlain(who[index]!) && round > 1) continue;
      passes[index]!.push(await process.pass());
    }
  }
  for (const process of processes) await process.end();
  return passes;
}

function isPlain({ contender }: Who): boolean {
  return contender === 'csv-parse' || contender === 'papaparse';
}

function checkTotals(results: readonly Measured[]): void {
  const digests = new Map<string, string>();
  for (const { contender, first, warm } of results) {
    for (const { digest } of [...first, ...warm]) digests.set(digest, contender);
  }
  if (digests.size === 1) return;
  const said = [...digests].map(([digest, contender]) => `${contender} ${digest.slice(0, 16)}`);
  throw new Error(`the contenders disagree on the totals of the ${results[0]!.work} tariff: ${said.join(', ')}`);
}

function optionsOf(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      records: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      peers: { type: 'string', default: 'all' },
      work: { type: 'string', default: 'flat,rules' },
      big: { type: 'boolean', default: false },
      job: { type: 'boolean', default: false },
    },
  });
  // 4 GiB are 47 million records; the simulator takes its time for each
  const usual = values.big ? 47_000_000 : values.job ? 500_000 : 2_000_000;
  const records = Number(values.records ?? usual);
  const rounds = Number(values.rounds);
  for (const [name, value] of Object.entries({ records, rounds })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`--${name} must be a positive integer`);
  }
  const { peers } = values;
  if (peers !== 'all' && peers !== 'duckdb' && peers !== 'none') throw new RangeError('--peers is all, duckdb or none');
  const work = values.work.split(',').filter((each) => each === 'flat' || each === 'rules');
  if (work.length === 0) throw new RangeError('--work is flat, rules or flat,rules');
  return { records, rounds, peers: peers as 'all' | 'duckdb' | 'none', work, big: values.big, job: values.job };
}

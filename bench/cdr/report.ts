/** What was measured: a JSON line for each contender, then a table with the bars of the design. */
import Table from 'cli-table3';
import { machine } from '../chains/machine.ts';
import { cdrPeers, pinnedVersion } from '../peer-packages.ts';
import { spread } from '../supervisors/measure.ts';
import type { Measured } from './bench.ts';
import type { Pass } from './contender-process.ts';
import type { CdrFile } from './generate.ts';

interface Bar {
  readonly floor: number;
  readonly goal: number;
}

/** Ours on two threads beside the peer at its best; the full rules have no peer but DuckDB. */
const bars: Readonly<Record<string, Bar>> = {
  'flat first duckdb': { floor: 2, goal: 3 },
  'flat warm duckdb': { floor: 4, goal: 6 },
  'flat warm csv-parse': { floor: 30, goal: 50 },
  'rules warm duckdb': { floor: 2, goal: 4 },
};

export function report(run: { results: readonly Measured[]; file: CdrFile; busy: number }): void {
  const { results, file, busy } = run;
  const context = {
    machine: machine(),
    busyWithOthers: Number(busy.toFixed(2)),
    peers: Object.fromEntries(cdrPeers.map((name) => [name, pinnedVersion(name)])),
    megabytes: Math.round(file.bytes / 1e6),
  };
  console.log(JSON.stringify({ bench: 'cdr', context }));
  const table = new Table({
    head: [
      'tariff',
      'pass',
      'contender',
      'threads',
      'ms',
      'min',
      'max',
      'MB/s',
      'records/s',
      'CPU ms',
      'peak MB',
      'ours is',
      'bar',
    ],
    style: { head: [], border: [] },
  });
  for (const name of ['first', 'warm'] as const) {
    for (const result of results) {
      const line = lineOf(result, name, file);
      console.log(JSON.stringify({ bench: 'cdr', ...line, passes: result[name] }));
      const { ms } = line;
      const ratio = ratioOf(results, result, name);
      const cells = [ms.median, ms.min, ms.max, line.mbPerS, line.recordsPerS, line.cpuMs, line.peakMb];
      table.push([
        result.work,
        name,
        result.contender,
        result.threads,
        ...cells.map(Math.round),
        ratio.text,
        ratio.bar,
      ]);
    }
  }
  console.log(table.toString());
  console.log('the totals of every pass are equal to the last digit; `ours is` compares our median on two threads');
  if (busy > 0.1) console.log(`others used ${Math.round(busy * 100)} % of the processors: compare CPU ms beside ms`);
}

function lineOf(result: Measured, name: 'first' | 'warm', file: CdrFile) {
  const passes = result[name];
  const ms = spread(passes.map((pass) => pass.ms));
  const { contender, work, threads } = result;
  return {
    contender,
    work,
    threads,
    pass: name,
    ms,
    mbPerS: file.bytes / 1000 / ms.median,
    recordsPerS: (passes[0]!.records * 1000) / ms.median,
    cpuMs: median(passes, 'cpuMs'),
    peakMb: Math.max(...passes.map((pass) => pass.peakMb)),
  };
}

/** How many times faster ours is, by the clock and by processor time. */
function ratioOf(
  results: readonly Measured[],
  result: Measured,
  name: 'first' | 'warm',
): { text: string; bar: string } {
  const ours = results.find(
    (each) => each.contender === 'linekeeper' && each.work === result.work && each.threads === 2,
  );
  if (result.contender === 'linekeeper' || ours === undefined) return { text: '', bar: '' };
  const ratio = median(result[name], 'ms') / median(ours[name], 'ms');
  const cpu = median(result[name], 'cpuMs') / median(ours[name], 'cpuMs');
  const text = `${ratio.toFixed(1)} x (CPU ${cpu.toFixed(1)} x)`;
  const bar = bars[`${result.work} ${name} ${result.contender}`];
  if (bar === undefined || (result.contender === 'duckdb' && result.threads === 1)) return { text, bar: '' };
  const missed = ratio < bar.floor ? ' missed' : '';
  return { text, bar: `>= ${bar.floor} x${missed}, goal ${bar.goal} x` };
}

function median(passes: readonly Pass[], of: 'ms' | 'cpuMs'): number {
  return spread(passes.map((pass) => pass[of])).median;
}

/** What was measured: one JSON line for each contender of each case, then settings and a table for people. */
import Table from 'cli-table3';
import { chainPeers, pinnedVersion } from '../peer-packages.ts';
import { spread } from '../supervisors/measure.ts';
import { nameOf, type Sample, type Who } from './cells.ts';
import { machine } from './machine.ts';
import { type Bar, type Case, limit, type Sizes } from './plan.ts';

export interface Measured {
  readonly case: Case;
  readonly who: Who;
  /** One for each round. */
  readonly samples: readonly Sample[];
}

export interface Run {
  readonly results: readonly Measured[];
  readonly chosen: readonly Case[];
  readonly settings: Readonly<Record<string, string>>;
  readonly sizes: Sizes;
  /** Share of the processors that others used, at the begin of each round. */
  readonly busy: readonly number[];
  readonly minutes: number;
}

export function report(run: Run): void {
  const { results, chosen, settings, sizes, busy, minutes } = run;
  const context = {
    machine: machine(),
    busyWithOthers: busy.map((share) => Number(share.toFixed(2))),
    settings,
    peers: Object.fromEntries(chainPeers.map((name) => [name, pinnedVersion(name)])),
    tracing: 'linekeeper: a traceparent for each chain and each attempt; peers: none',
    sizes,
    minutes: Number(minutes.toFixed(1)),
  };
  console.log(JSON.stringify({ bench: 'chains', context }));
  for (const result of results) {
    const { case: one, who, samples } = result;
    const value = spread(valuesOf(result));
    console.log(JSON.stringify({ bench: 'chains', case: one.name, unit: one.unit, ...who, value, samples }));
  }
  const table = new Table({
    head: ['what', 'unit', 'contender', 'median', 'min', 'max', 'p99', 'CPU us', 'ours is', 'floor', 'goal', ''],
    style: { head: [], border: [] },
  });
  for (const one of chosen) table.push(...rowsOf(one, results));
  console.log(table.toString());
  console.log(`median of ${sizes.rounds} rounds, ${minutes.toFixed(1)} minutes; ${busyWords(busy)}`);
  for (const [name, value] of Object.entries(settings)) console.log(`${name} = ${value}`);
}

function busyWords(busy: readonly number[]): string {
  const percent = Math.round(100 * Math.max(...busy));
  return `others used ${percent > 10 ? `${percent} % of the processors (a busy machine)` : 'next to nothing'} at the begin of a round`;
}

/** Of the table: the first contender is ours, and every other stands beside it. */
export function rowsOf(one: Case, results: readonly Measured[]): string[][] {
  const found = (who: Who) =>
    results.find((result) => result.case.name === one.name && nameOf(result.who) === nameOf(who));
  const ours = found(one.contenders[0]!);
  if (!ours) return [[one.what, one.unit, 'not measured: no pgbench here', ...Array<string>(9).fill('')]];
  const rows: string[][] = [];
  const shown = [...one.contenders];
  if (one.bars.some(({ beside }) => nameOf(beside) === nameOf(limit))) shown.push(limit);
  for (const [index, who] of shown.entries()) {
    const result = found(who) ?? results.find((other) => nameOf(other.who) === nameOf(who) && who === limit);
    if (!result) continue;
    const value = spread(valuesOf(result));
    const bar = one.bars.find(({ beside }) => nameOf(beside) === nameOf(who));
    rows.push([
      index === 0 ? one.what : '',
      index === 0 ? one.unit : '',
      nameOf(who),
      text(value.median),
      text(value.min),
      text(value.max),
      middle(result.samples.map(({ p99 }) => p99)),
      cpuOf(result),
      ...(index === 0 ? ['', '', '', ''] : verdict(one, ours, result, bar ?? null)),
    ]);
  }
  return rows;
}

/** The ratio of the medians, and whether it reaches floor and goal. */
function verdict(one: Case, ours: Measured, theirs: Measured, bar: Bar | null): string[] {
  const ratio = spread(valuesOf(ours)).median / spread(valuesOf(theirs)).median;
  const less = one.unit === 'ms p50';
  const reaches = (wanted: number) => (less ? ratio <= wanted : ratio >= wanted);
  const words: string[] = [];
  if (bar?.floor != null && !reaches(bar.floor)) words.push('below the floor');
  if (bar?.goal != null && !reaches(bar.goal)) words.push('short of the goal');
  if (words.length === 0 && (bar?.floor != null || bar?.goal != null)) words.push('reached');
  const wanted = (value: number | null | undefined) => (value == null ? '' : `${less ? '<=' : '>='} ${value} x`);
  return [`${ratio.toFixed(2)} x`, wanted(bar?.floor), wanted(bar?.goal), words[0] ?? ''];
}

function valuesOf({ samples }: Measured): number[] {
  return samples.map(({ value }) => value);
}

/** The contender's own, and its server's, for each step or chain. */
function cpuOf({ samples }: Measured): string {
  const own = middle(samples.map(({ cpuUs }) => cpuUs?.contender));
  const server = middle(samples.map(({ cpuUs }) => cpuUs?.server));
  return server === '' ? '' : `${own || '?'} + ${server}`;
}

/** The median of those that there are. */
function middle(values: readonly (number | undefined)[]): string {
  const there = values.filter((value) => value !== undefined && !Number.isNaN(value)) as number[];
  return there.length === 0 ? '' : text(spread(there).median);
}

function text(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

/** Numbers of several rounds, and how they are shown: one JSON line per measurement and one table for people. */
import { cpus, loadavg, totalmem } from 'node:os';
import Table from 'cli-table3';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Measured {
  readonly what: string;
  readonly unit: string;
  readonly rounds: number;
  readonly value: Spread;
  /** What it was measured beside, in the same rounds. */
  readonly beside?: { readonly what: string; readonly value: Spread; readonly percent: Spread };
  readonly bar?: string;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)]!, min: sorted[0]!, max: sorted.at(-1)! };
}

/** Runs each measurement once per round, one after the other, so that a busy moment of the machine hits all of them. */
export async function inRounds(
  rounds: number,
  measurements: readonly (() => Promise<number>)[],
): Promise<readonly (readonly number[])[]> {
  const values: number[][] = measurements.map(() => []);
  for (const measure of measurements) await measure(); // to warm up
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, measure] of measurements.entries()) {
      globalThis.gc?.();
      values[at]!.push(await measure());
    }
  }
  return values;
}

/** In percent of the other, round by round. */
export function percentOf(mine: readonly number[], other: readonly number[]): Spread {
  return spread(mine.map((value, round) => (100 * value) / other[round]!));
}

export function show(results: readonly Measured[]): void {
  const machine = {
    cpu: cpus()[0]?.model.trim(),
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    load1: Number(loadavg()[0]!.toFixed(2)),
    node: process.version,
  };
  for (const result of results) console.log(JSON.stringify({ bench: 'supervisors', ...result, machine }));
  const table = new Table({
    head: ['what', 'unit', 'median', 'min', 'max', 'beside it', 'median', '%', 'min', 'max', 'bar'],
    style: { head: [], border: [] },
  });
  for (const { what, unit, value, beside, bar } of results) {
    const other = beside ? [beside.what, text(beside.value.median), ...percents(beside.percent)] : ['', '', '', '', ''];
    table.push([what, unit, text(value.median), text(value.min), text(value.max), ...other, bar ?? '']);
  }
  console.log(table.toString());
}

function percents({ median, min, max }: Spread): string[] {
  return [median, min, max].map((percent) => percent.toFixed(0));
}

function text(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

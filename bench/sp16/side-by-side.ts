/**
 * A layout's decoder (by the code made from it, and by its fields alone) beside one by hand: the same file through all in one
 * thread, chunk by chunk in turns, so that whatever the machine does besides meets all. Reported: the least time that each chunk
 * took in any round, added up, and the same with the median. Throws when they decode different records.
 */
import { readFileSync } from 'node:fs';
import { FilePass } from '../../src/providers/decode/file-pass.ts';
import { compileLayout } from '../../src/providers/decode/layout.ts';
import type { DecodedRecord } from '../../src/providers/decode/record.ts';
import { kpnSp16Layout } from '../../src/providers/kpn-sp16/spec.ts';
import { HandFile } from './by-hand/file.ts';
import type { Sp16Record } from './by-hand/record.ts';
import type { BenchFile } from './generate.ts';

const contenders = ['layout', 'byFields', 'byHand'] as const;
type Each<T> = Readonly<Record<(typeof contenders)[number], T>>;

export interface SideBySide {
  readonly records: number;
  readonly rounds: number;
  /** Nanoseconds a record: opening, chunks and all. */
  readonly least: Each<number>;
  readonly median: Each<number>;
}

const chunkBytes = 256 * 1024;
/** Until everything is compiled. */
const warmRounds = 4;

/** Adds up what a record says; of the two kinds of record each has its own, as each decoder has its own sink. */
class LayoutSum {
  records = 0;
  sum = 0;
  begin(): void {}
  end(): void {}
  discard(): void {}
  record(record: DecodedRecord): void {
    this.records += 1;
    this.sum = (this.sum + record.startMs / 1000 + record.usage + record.providerAmountE8 + record.hashLow) % 1e12;
  }
}

class HandSum {
  records = 0;
  sum = 0;
  record(record: Sp16Record): void {
    this.records += 1;
    this.sum = (this.sum + record.startMs / 1000 + record.usage + record.providerAmountE8 + record.hashLow) % 1e12;
  }
}

export function sideBySide(file: BenchFile, rounds: number): SideBySide {
  const bytes = readFileSync(file.path);
  const times = each<number[][]>(() => []);
  let records = 0;
  for (let round = 0; round < rounds + warmRounds; round += 1) {
    records = oneRound(file, bytes, round, round < warmRounds ? each(() => []) : times);
  }
  const perRecord = (of: (times: number[]) => number) =>
    each((name) => Math.round((times[name].reduce((sum, chunk) => sum + of(chunk), 0) * 1e6) / records));
  return { records, rounds, least: perRecord((chunk) => Math.min(...chunk)), median: perRecord(middle) };
}

function oneRound(file: BenchFile, bytes: Buffer, round: number, times: Each<number[][]>): number {
  const options = {
    ...{ name: file.name, account: file.account, timeZone: 'Europe/Amsterdam', numberMask: 4, hashKey: null },
    ...{
      nowMs: Date.UTC(2026, 10, 20),
      expectedRecords: Math.ceil(bytes.length / 200),
      replacedLines: new Set<number>(),
    },
  };
  const sums = { layout: new LayoutSum(), byFields: new LayoutSum(), byHand: new HandSum() };
  const open = {
    layout: () => new FilePass(compileLayout(kpnSp16Layout), options, sums.layout),
    byFields: () => new FilePass(compileLayout(kpnSp16Layout), { ...options, byFields: true }, sums.byFields),
    byHand: () => new HandFile(options, sums.byHand),
  };
  const timed = <T>(name: keyof typeof open, chunk: number, work: () => T): T => {
    const started = performance.now();
    const result = work();
    times[name][chunk] ??= [];
    times[name][chunk].push(performance.now() - started);
    return result;
  };
  const passes = each((name) => timed<FilePass | HandFile>(name, 0, open[name]));
  for (let at = 0, chunk = 1; at < bytes.length; at += chunkBytes, chunk += 1) {
    const part = bytes.subarray(at, at + chunkBytes);
    const first = (chunk + round) % contenders.length;
    for (const name of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      timed(name, chunk, () => passes[name].push(part));
    }
  }
  for (const name of ['layout', 'byFields'] as const) {
    const [found, byHand] = [sums[name], sums.byHand];
    if (found.records === byHand.records && found.sum === byHand.sum) continue;
    throw new Error(
      `${name} decodes ${found.records} records ${found.sum}, by hand it is ${byHand.records} ${byHand.sum}`,
    );
  }
  return sums.byHand.records;
}

function each<T>(of: (name: (typeof contenders)[number]) => T): Each<T> {
  return { layout: of('layout'), byFields: of('byFields'), byHand: of('byHand') };
}

function middle(times: number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1]!;
}

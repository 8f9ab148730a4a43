/**
 * `npm run bench -- allowances [--records 100000] [--runs 5]`: one shared allowance over all records of a cycle, rated, and rated
 * again after one call that is earlier than all others came late. It is the compute task itself, in this thread: spool of
 * records in, spool of rated records out. Says how many records the late call changed.
 */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RateCycleArgs } from '../../src/compute/tasks/messages.ts';
import { rateCycle } from '../../src/compute/tasks/rate-cycle.ts';
import type { Allowance } from '../../src/telecom/allowance.ts';
import { ratedSpoolColumns } from '../../src/telecom/cdr-columns.ts';
import { benchTariff } from '../sp16/tariff.ts';

const firstMs = Date.parse('2026-03-01T00:00:00Z');
const monthMs = 30 * 86_400_000;
const chunk = 10_000;

/** Half of what is used, so that half of the records are covered and one of them partly. */
function sharedBundle(records: number): Allowance {
  return {
    id: '1',
    name: 'calls',
    kind: 'voice',
    amount: records * 60,
    shared: true,
    msisdn: null,
    priority: 0,
    increment: null,
    categories: ['national-mobile'],
    zones: ['home'],
    validFrom: null,
    validTo: null,
    fairUse: null,
  };
}

function row(id: number, startMs: number): string {
  const msisdn = 31_610_000_000 + (id % 500);
  const seconds = 1 + ((id * 7919) % 240);
  return `${id}\t${msisdn}\tvoice\tnational-mobile\t3161234\t\\N\t${startMs}\t${seconds}\t0\t1\t0\n`;
}

function writeRecords(path: string, records: number): void {
  writeFileSync(path, '');
  for (let from = 1; from <= records; from += chunk) {
    const ids = Array.from({ length: Math.min(chunk, records - from + 1) }, (_, index) => from + index);
    appendFileSync(path, ids.map((id) => row(id, firstMs + Math.floor((id / records) * monthMs))).join(''));
  }
}

/** id -> what was taken and what it costs. */
function outcomes(path: string): Map<string, string> {
  const at = (name: (typeof ratedSpoolColumns)[number]) => ratedSpoolColumns.indexOf(name);
  const lines = readFileSync(path, 'latin1').trimEnd().split('\n');
  return new Map(
    lines.map((line) => {
      const fields = line.split('\t');
      return [fields[at('cdr_id')]!, `${fields[at('amount_e8')]} ${fields[at('allowance_used')]}`];
    }),
  );
}

/** Wall time, and processor time of this process, which a busy machine leaves comparable. */
async function timed(args: RateCycleArgs): Promise<{ ms: number; cpuMs: number }> {
  const startedMs = performance.now();
  const used = process.cpuUsage();
  await rateCycle(args, { throwIfAborted() {}, progress() {} });
  const { user, system } = process.cpuUsage(used);
  return { ms: Math.round(performance.now() - startedMs), cpuMs: Math.round((user + system) / 1000) };
}

export async function benchAllowances(given: readonly string[]): Promise<void> {
  const options = { records: { type: 'string', default: '100000' }, runs: { type: 'string', default: '5' } } as const;
  const { values } = parseArgs({ args: [...given], options });
  const records = Number(values.records);
  const directory = mkdtempSync(join(tmpdir(), 'bench-allowances-'));
  try {
    const args: RateCycleArgs = {
      task: 'rate-cycle',
      recordsPath: join(directory, 'records'),
      ratedPath: join(directory, 'rated'),
      contractId: '1',
      cycleStart: '2026-03-01',
      ratingRunId: '1',
      timeZone: 'Europe/Amsterdam',
      tariff: benchTariff,
      allowances: [sharedBundle(records)],
    };
    writeRecords(args.recordsPath, records);
    const first = await timed(args);
    const before = outcomes(args.ratedPath);
    writeFileSync(args.recordsPath, row(records + 1, firstMs) + readFileSync(args.recordsPath, 'latin1'));
    for (let run = 1; run <= Number(values.runs); run += 1) {
      const again = await timed(args);
      const after = outcomes(args.ratedPath);
      const changed = [...before].filter(([id, outcome]) => after.get(id) !== outcome).length;
      console.log(JSON.stringify({ bench: 'allowances', records: records + 1, run, first, again, changed }));
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * One contender in a process of its own: its memory and its compiled code are nobody else's. Each message `run` is answered
 * with one pass; the first one includes opening the contender (threads, database, prices).
 */
import { readFileSync } from 'node:fs';
import {
  type Contender,
  type ContenderName,
  type ContenderOptions,
  digestOf,
  type OpenContender,
} from './contender.ts';

export interface Pass {
  readonly ms: number;
  readonly cpuMs: number;
  readonly digest: string;
  readonly records: number;
  /** Most memory of the process so far. */
  readonly peakMb: number;
}

function load(name: ContenderName): Promise<{ open: OpenContender }> {
  switch (name) {
    case 'linekeeper':
      return import('./contenders/linekeeper.ts');
    case 'duckdb':
      return import('./contenders/duckdb.ts');
    case 'csv-parse':
      return import('./contenders/csv-parse.ts');
    case 'papaparse':
      return import('./contenders/papaparse.ts');
  }
}

const [name, json] = process.argv.slice(2) as [ContenderName, string];
const options = JSON.parse(json) as ContenderOptions;
const { open } = await load(name);
let opened: Contender | null = null;

process.on('message', (message) => {
  void (async () => {
    if (message === 'end') {
      await opened?.close();
      process.disconnect?.();
      return;
    }
    const cpu = process.cpuUsage();
    const started = performance.now();
    opened ??= await open(options);
    const rows = await opened.run();
    const ms = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    const records = Number(rows.reduce((sum, row) => sum + row.records, 0n));
    process.send!({
      ms,
      cpuMs: (user + system) / 1000,
      digest: digestOf(rows),
      records,
      peakMb: peakMb(),
    } satisfies Pass);
  })();
});
process.send!('ready');

function peakMb(): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
}

/**
 * The memory of a large file: 4 GiB unless told otherwise, once with all keys in memory and once with a `dedupMemory` of 64 MiB, each in
 * a process of its own, beside a file a twentieth of the size. The bar: 400 MB and 24 bytes a record; with keys on disk, flat.
 */
import Table from 'cli-table3';
import { machine } from '../chains/machine.ts';
import type { Pass } from './contender-process.ts';
import { type CdrFile, cdrFile } from './generate.ts';
import { startContender } from './measured-process.ts';

const spillBeyond = 64 * 2 ** 20;
const inMemory = 4 * 2 ** 30;

export async function benchBig(directory: string, records: number): Promise<void> {
  const table = new Table({
    head: ['MB', 'records', 'keys', 's', 'MB/s', 'CPU s', 'peak MB', 'bar MB'],
    style: { head: [], border: [] },
  });
  for (const count of [Math.ceil(records / 20), records]) {
    console.error(`making ${count} records under ${directory}, once`);
    const file = cdrFile(directory, count, 2);
    const memory = await onePass(file, inMemory);
    const disk = await onePass(file, spillBeyond);
    if (memory.digest !== disk.digest) throw new Error('keys in memory and on disk give different totals');
    for (const [keys, pass, bar] of [
      ['in memory', memory, 400 + (24 * memory.records) / 1e6],
      [`beyond ${spillBeyond / 2 ** 20} MiB on disk`, disk, 400 + spillBeyond / 1e6],
    ] as const) {
      const line = {
        megabytes: Math.round(file.bytes / 1e6),
        records: pass.records,
        keys,
        seconds: Number((pass.ms / 1000).toFixed(1)),
        mbPerS: Math.round(file.bytes / 1000 / pass.ms),
        cpuSeconds: Number((pass.cpuMs / 1000).toFixed(1)),
        peakMb: Math.round(pass.peakMb),
        barMb: Math.round(bar),
      };
      console.log(JSON.stringify({ bench: 'cdr', run: 'big', ...line, machine: machine() }));
      table.push(Object.values(line));
    }
  }
  console.log(table.toString());
}

async function onePass(file: CdrFile, dedupMemory: number): Promise<Pass> {
  const process = await startContender('linekeeper', { path: file.path, work: 'flat', threads: 2, dedupMemory });
  const pass = await process.pass();
  await process.end();
  return pass;
}

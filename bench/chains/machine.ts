/** The machine of a run, and how busy it was with others. */
import { cpus, loadavg, totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** Share of the processors' time that was used during half a second in which the bench does nothing; 0 to 1. */
export async function busyShare(): Promise<number> {
  const before = times();
  await delay(500);
  const after = times();
  const all = after.all - before.all;
  return all === 0 ? 0 : 1 - (after.idle - before.idle) / all;
}

function times(): { all: number; idle: number } {
  let all = 0;
  let idle = 0;
  for (const cpu of cpus()) {
    idle += cpu.times.idle;
    all += Object.values(cpu.times).reduce((sum, ms) => sum + ms, 0);
  }
  return { all, idle };
}

export function machine(): Record<string, string | number | undefined> {
  return {
    cpu: cpus()[0]?.model.trim(),
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    load1: Number(loadavg()[0]!.toFixed(2)),
    node: process.version,
  };
}

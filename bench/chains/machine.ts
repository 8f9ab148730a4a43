/** The machine of a run, how busy it was with others, and what processes used of it. Linux only: it reads /proc. */
import { readdirSync, readFileSync } from 'node:fs';
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

/** Processor time of a process, all its threads. */
export function cpuMsOf(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) ns += ranNs(`/proc/${pid}/task/${thread}/schedstat`);
  return ns / 1e6;
}

/** Of a PostgreSQL server: its postmaster, the backends that live and, to 10 ms, those that have ended. */
export function cpuMsOfPostgres(postmaster: number): number {
  // utime, stime, cutime, cstime are fields 14 to 17; the second one, a name in parentheses, may hold spaces
  const stat = readFileSync(`/proc/${postmaster}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(stat[at]), 0);
  const backends = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ');
  const ns = backends.reduce((sum, pid) => sum + ranNs(`/proc/${pid}/schedstat`), 0);
  return ticks * 10 + ns / 1e6;
}

/** 0 for a process that has just ended. */
function ranNs(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8').split(' ')[0]);
  } catch {
    return 0;
  }
}
